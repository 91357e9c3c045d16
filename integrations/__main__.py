"""`python -m integrations`: what is imported for the command line, and then it."""

from scenarios.cli.startup import starting

if __name__ == "__main__":
    with starting():
        from integrations.cli.main import main
    main()

"""`python -m integrations`: what is imported for the command line, and then it."""

from scenarios.starting import starting

if __name__ == "__main__":
    with starting():
        from integrations.command_line import main
    main()

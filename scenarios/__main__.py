"""`python -m scenarios`: what is imported for the command line, and then it."""

from scenarios.cli.startup import exit_on_early_interrupt

if __name__ == "__main__":
    with exit_on_early_interrupt():
        from scenarios.cli.main import main
    main()

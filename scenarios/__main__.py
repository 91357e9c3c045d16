"""Entry point of `python -m scenarios`."""

from scenarios.cli.startup import exit_on_early_interrupt

if __name__ == "__main__":
    with exit_on_early_interrupt():
        from scenarios.cli.app import main
    main()

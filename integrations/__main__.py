"""The entry point of `python -m integrations`."""

from scenarios.cli.startup import exit_on_early_interrupt

if __name__ == "__main__":
    with exit_on_early_interrupt():
        from integrations.cli.app import main
    main()

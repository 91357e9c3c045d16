"""The entry point of `python -m integrations`."""

from scenarios.cli.startup import collect_garbage_rarely, exit_on_early_interrupt

if __name__ == "__main__":
    collect_garbage_rarely()
    with exit_on_early_interrupt():
        from integrations.cli.app import main
    main()

"""Entry point of `python -m scenarios`."""

from scenarios.cli.early_interrupt import exit_on_early_interrupt

if __name__ == "__main__":
    with exit_on_early_interrupt():
        from scenarios.cli.startup import collect_garbage_rarely

        collect_garbage_rarely()
        from scenarios.cli.app import main
    main()

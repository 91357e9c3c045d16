"""Entry point of `python -m scenarios`."""

from scenarios.cli.startup import collect_garbage_rarely, exit_on_early_interrupt

if __name__ == "__main__":
    collect_garbage_rarely()
    with exit_on_early_interrupt():
        from scenarios.cli.app import main
    main()

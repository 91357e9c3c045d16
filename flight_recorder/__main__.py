"""Entry point of the command `flight-recorder` and of `python -m flight_recorder`."""

from scenarios.cli.early_interrupt import exit_on_early_interrupt


def main() -> None:
    """Run the command that `sys.argv` names."""
    with exit_on_early_interrupt():
        from scenarios.cli.app import main as run_command
    run_command()


if __name__ == "__main__":
    main()

"""HTTP services that workflows call, each in a process: `python -m workflows.services.NAME`."""

"""The command line `python -m scenarios`."""

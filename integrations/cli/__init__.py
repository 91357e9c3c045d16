"""The command line of `python -m integrations`."""

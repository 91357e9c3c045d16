"""The commands of `python -m scenarios`, in a module for each topic."""

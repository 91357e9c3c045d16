"""Environments: sets of versions in which cases run, resolved and built with uv."""

"""Patches for Python's standard library."""

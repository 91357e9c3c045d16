"""Tests of the patches for Python itself."""

"""Tests of the replay server."""

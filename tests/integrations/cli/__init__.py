"""Tests of `integrations.cli`."""

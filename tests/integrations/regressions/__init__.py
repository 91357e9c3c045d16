"""Tests of `integrations.regressions`."""

"""Tests of `scenarios.monitoring`."""

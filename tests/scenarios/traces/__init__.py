"""Tests of `scenarios.traces`."""

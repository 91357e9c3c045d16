"""Tests of `integrations.measures`."""

"""Tests of `integrations.reports`."""

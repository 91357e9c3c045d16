"""Tests of `integrations.gaps`."""

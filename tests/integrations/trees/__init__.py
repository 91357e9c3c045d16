"""Tests of `integrations.trees`."""

"""Tests of `integrations.matrix`."""

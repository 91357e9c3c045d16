"""Tests of `integrations.goldens`."""

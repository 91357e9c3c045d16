"""Tests of `integrations.goldens.trees`."""

"""Tests of `integrations.conventions`."""

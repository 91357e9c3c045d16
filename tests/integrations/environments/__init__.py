"""Tests of `integrations.environments`."""

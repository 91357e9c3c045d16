"""Tests of `integrations.instrumentors`."""

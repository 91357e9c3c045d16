"""Tests of `integrations.fidelity`."""

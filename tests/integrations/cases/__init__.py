"""Tests of `integrations.cases`."""

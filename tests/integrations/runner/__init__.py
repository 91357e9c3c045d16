"""Tests of `integrations.runner`."""

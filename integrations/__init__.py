"""Regression tests of tracing integrations: what instrumentors record, across versions."""

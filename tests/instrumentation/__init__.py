"""Tests of the tracing API."""

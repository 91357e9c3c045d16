"""Tests of the patches for OpenTelemetry."""

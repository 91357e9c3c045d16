"""Patches for OpenTelemetry."""

"""Opentelemetry."""

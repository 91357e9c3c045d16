"""Tests of the OTLP export."""

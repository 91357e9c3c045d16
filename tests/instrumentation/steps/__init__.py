"""Tests of steps, routing, telemetry and timeline."""

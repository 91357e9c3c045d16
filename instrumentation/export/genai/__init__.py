"""OpenTelemetry's conventions for generative AI, applied to exported spans."""

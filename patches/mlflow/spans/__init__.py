"""Patches for what MLflow records in spans, and for spans that it loses."""

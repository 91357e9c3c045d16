"""Formats in which traces come: JSON documents, spans as MLflow exports them, OTLP, MLflow 2."""

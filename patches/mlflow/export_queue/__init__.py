"""Patches for the queue in which MLflow stores finished traces in the background."""

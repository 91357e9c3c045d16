"""Patches for MLflow."""

"""Instrumentors."""

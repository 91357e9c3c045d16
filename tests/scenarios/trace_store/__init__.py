"""Trace store."""

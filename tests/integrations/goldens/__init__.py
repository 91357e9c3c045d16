"""Goldens."""

"""Failures that can be played again."""

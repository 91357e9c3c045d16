"""Patches for the `openai` package."""

"""Tests of the patches for the `openai` package."""

"""Patches for AutoGen."""

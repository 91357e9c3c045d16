"""Patches for CrewAI."""

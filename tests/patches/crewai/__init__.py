"""Tests of the patches for CrewAI."""

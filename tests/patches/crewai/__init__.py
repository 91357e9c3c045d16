"""Crewai."""

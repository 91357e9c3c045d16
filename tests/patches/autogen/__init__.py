"""Autogen."""

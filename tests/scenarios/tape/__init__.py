"""Tape."""

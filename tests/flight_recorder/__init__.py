"""Tests of what an installed package offers: its names and its pytest plugin."""

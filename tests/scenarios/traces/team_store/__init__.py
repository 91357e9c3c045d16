"""Tests of the store for a team."""

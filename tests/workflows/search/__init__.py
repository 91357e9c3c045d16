"""Tests of the search agent."""

"""Tests of scenarios/programs."""

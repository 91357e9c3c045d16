"""Measures: what a trace records of a case run, counted against what happened."""

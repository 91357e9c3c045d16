"""Tests of the benchmark of the diagnosis."""

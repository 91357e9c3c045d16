"""Benchmarks: `make bench` runs and prints them. No test asserts a figure of them."""

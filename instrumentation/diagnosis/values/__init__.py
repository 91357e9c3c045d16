"""Failure modes of values: figures and notes that are wrong, unfounded, misread or overwritten."""

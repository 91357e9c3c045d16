"""Failure modes of the task: calls that it does not ask for, and guesses where it is unclear."""

"""Evaluate the lessons' runs: tasks, judges, comparison of broken and fixed, and its report."""

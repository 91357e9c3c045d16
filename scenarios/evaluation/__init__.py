"""Evaluate runs, prompts and the diagnosis itself: tasks, judges, comparisons and reports."""

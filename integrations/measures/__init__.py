"""Measures: what the spans of any instrumentor hold of a case run, against what happened."""

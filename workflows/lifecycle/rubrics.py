"""Rubrics: what a judge looks for. One sentence decides, one rules out an excuse."""

GROUNDEDNESS = """\
Pass the answer if each of its figures is in what its author was given, with the same unit and the
same period. Fail it otherwise. A confident tone is not evidence, and a hedge is not a fault."""

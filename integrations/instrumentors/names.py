"""Columns: the instrumentors that gaps are declared of, by the names that the table gives them."""

PLAIN_AUTOLOG = ("plain autolog",)
BOTH_AUTOLOGS = ("autolog of both",)
AUTOLOGS = (*PLAIN_AUTOLOG, *BOTH_AUTOLOGS)
OURS = ("ours",)
WITH_DECLARED_GAPS = (*AUTOLOGS, *OURS)
"""All of them. Of others no gap is declared: what they tell is held against the fidelity table."""

"""Columns: the instrumentors that gaps are declared of, by the names that the table gives them."""

PLAIN = ("plain autolog",)
BOTH = ("autolog of both",)
AUTOLOGS = (*PLAIN, *BOTH)
OURS = ("ours",)
DECLARED = (*AUTOLOGS, *OURS)
"""All of them. Of others no gap is declared: what they tell is held against the fidelity table."""

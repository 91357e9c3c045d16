"""Columns: the instrumentors that gaps are declared of, by the names that the table gives them."""

PLAIN = ("plain autolog",)
BOTH = ("autolog of both",)
AUTOLOGS = (*PLAIN, *BOTH)
OURS = ("ours",)

"""The broken finance crew: its lookup tool refuses the first lookup, before anything has failed."""

from workflows.crew_finance import FinanceCrew


class AllowsNoFailure(FinanceCrew):
    """The mistake: 0 is to mean "no second try", but the first try finds the limit reached."""

    max_failures = 0

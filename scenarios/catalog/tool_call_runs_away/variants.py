"""The broken finance crew: its lookup tool never refuses to repeat a failing call."""

from workflows.crew_finance import FinanceCrew


class NeverGivesUp(FinanceCrew):
    """The mistake: a lookup may be repeated without limit, however often it has failed."""

    max_failures = 1_000_000

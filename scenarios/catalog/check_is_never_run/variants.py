"""The broken finance crew: nothing tests the claim that a report is verified."""

from workflows.crew_finance import FinanceCrew
from workflows.support import finance


class TrustsTheClaim(FinanceCrew):
    """The mistake: the field `verified` of a report is believed, whether or not a check was run."""

    def find_objection(self, report: finance.Report, evidence: finance.Evidence) -> str | None:
        return None

"""The broken finance crew: nothing tests the claim that a report is verified."""

from workflows.crew_finance import FinanceCrew
from workflows.finance import Evidence, Report


class TrustsTheClaim(FinanceCrew):
    """The mistake: the field `verified` of a report is believed, whether or not a check was run."""

    def find_objection(self, report: Report, evidence: Evidence) -> str | None:
        return None

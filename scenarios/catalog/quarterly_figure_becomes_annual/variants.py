"""The broken finance crew: a figure loses its frequency, and the check repeats the error."""

from typing import Any

from instrumentation import FigureCheck, check_figures
from workflows.crew_finance import FinanceCrew
from workflows.support import finance


class DropsFrequency(FinanceCrew):
    """The mistake: the lookup returns a figure without its unit and its frequency."""

    def read_reply(self, reply: Any) -> Any:
        result = finance.parse_reply(reply)
        return {"value": result["value"], "period": result["period"]}


class TrustsItsAgents(DropsFrequency):
    """The mistake: the agents' own outputs count as sources, so that they confirm the error."""

    def check_report(self, report: str, evidence: finance.Evidence) -> FigureCheck:
        return check_figures(report, evidence.task_outputs)


class AddsAnnualRate(FinanceCrew):
    """The twin: the lookup returns the quarter's figure, and its annual rate under its own name."""

    def read_reply(self, reply: Any) -> Any:
        result = finance.parse_reply(reply)
        annual = {"value": round(result["value"] * 4, 2), "frequency": "annual"}
        return {**result, "annualised": annual}

"""The broken finance crew: a figure loses its frequency, and the check repeats the error."""

from typing import Any

from instrumentation.figures.figure_check import FigureCheck, check_figures
from workflows.crew_finance import FinanceCrew
from workflows.finance import Evidence, parse_reply


class DropsFrequency(FinanceCrew):
    """The mistake: the lookup returns a bare value, and agents' outputs count as sources."""

    def read_reply(self, reply: Any) -> Any:
        result = parse_reply(reply)
        return {"value": result["value"], "period": result["period"]}

    def check_report(self, report: str, evidence: Evidence) -> FigureCheck:
        return check_figures(report, evidence.task_outputs)


class AddsAnnualRate(FinanceCrew):
    """The twin: the lookup returns the quarter's figure, and its annual rate under its own name."""

    def read_reply(self, reply: Any) -> Any:
        result = parse_reply(reply)
        annual = {"value": round(result["value"] * 4, 2), "frequency": "annual"}
        return {**result, "annualised": annual}

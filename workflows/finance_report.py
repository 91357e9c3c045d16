"""A report: what the synthesist writes, the guardrail that it must pass, and what it comes to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from crewai import TaskOutput
from pydantic import BaseModel, ValidationError

from instrumentation.figures.figure_check import FigureCheck
from workflows.evidence import Evidence, Lack
from workflows.finance_tools import Desk

Guard = Callable[[TaskOutput], tuple[bool, Any]]
"""A CrewAI guardrail: whether an output stands, and the output, or why it doesn't."""


class Report(BaseModel):
    """What the synthesist writes. Its claim is a field, so that no prose is taken for one."""

    report: str
    verified: bool


Verifies = Callable[[Report, Evidence], str | None]
"""Why a report must be written anew; None if it stands."""


def claim_is_true(report: Report, evidence: Evidence) -> str | None:
    """A report that claims to be verified is, by a check in this very run."""
    if report.verified and not evidence.verified:
        return "No check of this run says so: call check_figures, or set verified to false."
    return None


def guarded(verifies: Verifies, evidence: Evidence) -> Guard:
    """Sends back what is no report, and a report to which `verifies` objects."""

    def guard(output: TaskOutput) -> tuple[bool, Any]:
        try:
            report = Report.model_validate_json(output.raw)
        except ValidationError:
            return False, "Answer with JSON alone, with the fields report and verified."
        objection = verifies(report, evidence)
        return (False, objection) if objection else (True, output)

    return guard


@dataclass(frozen=True)
class Briefing:
    """How a briefing ended. `unsourced` are its figures that have no source, each with why not."""

    outcome: Literal["verified", "unverified"] | Lack
    report: str
    claims_verified: bool
    unsourced: tuple[str, ...] = ()


def concluded(raw: str, desk: Desk) -> tuple[Briefing, FigureCheck]:
    """The outcome, by what the tools said and what was checked, and not by what the report claims.

    A briefing with a figure that has no source is unverified, whatever else was amiss.
    """
    report = Report.model_validate_json(raw)
    check = desk.check(report.report)
    unsourced = tuple(map(str, check.unsupported))
    outcome: Any = "unverified"
    if not unsourced:
        outcome = desk.evidence.lack() or ("verified" if desk.evidence.verified else "unverified")
    return Briefing(outcome, report.report, report.verified, unsourced), check

"""The report of the finance crew: its format, the guardrail that checks it, and the outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from crewai import TaskOutput
from pydantic import BaseModel, ValidationError

from instrumentation import FigureCheck
from workflows.support.finance.evidence import Evidence, MissingReason


class Report(BaseModel):
    """The synthesist's answer. `verified` is its claim that a check found no fault."""

    report: str
    verified: bool


@dataclass(frozen=True)
class Briefing:
    """The result of a run. `unsourced` lists each figure without a source, with the reason."""

    outcome: Literal["verified", "unverified"] | MissingReason
    report: str
    claims_verified: bool
    unsourced: tuple[str, ...] = ()


def make_guardrail(
    find_objection: Callable[[Report, Evidence], str | None], evidence: Evidence
) -> Callable[[Any], tuple[bool, Any]]:
    """Create a CrewAI guardrail that sends back malformed reports and those with an objection."""

    def guard(output: TaskOutput) -> tuple[bool, Any]:
        try:
            report = Report.model_validate_json(output.raw)
        except ValidationError:
            return False, "Answer with JSON alone, with the fields report and verified."
        objection = find_objection(report, evidence)
        return (False, objection) if objection else (True, output)

    return guard


def build_briefing(
    output: str, evidence: Evidence, check_report: Callable[[str, Evidence], FigureCheck]
) -> tuple[Briefing, FigureCheck]:
    """Derive the outcome from the tool results and a last check, not from the report's own claim.

    A report with an unsourced figure is unverified, even if data was missing as well.
    """
    report = Report.model_validate_json(output)
    check = check_report(report.report, evidence)
    outcome: Literal["verified", "unverified"] | MissingReason = "unverified"
    if check.passed:
        outcome = evidence.missing_reason() or ("verified" if evidence.verified else "unverified")
    unsourced = tuple(map(str, check.unsupported))
    return Briefing(outcome, report.report, report.verified, unsourced), check

"""A report: what the synthesist writes, and the guardrail that it must pass."""

from collections.abc import Callable
from typing import Any

from crewai import TaskOutput
from pydantic import BaseModel, ValidationError

from workflows.evidence import Evidence

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

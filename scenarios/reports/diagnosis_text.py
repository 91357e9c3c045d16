"""Describe a diagnosis in plain text, for documents and for one line of a report."""

from collections.abc import Iterator

from instrumentation.diagnosis import Diagnosis, Finding


def summarize_diagnosis(diagnosis: Diagnosis) -> str:
    """The origin and the path of a failure in one line; "nothing found" without findings."""
    if not diagnosis.findings:
        return "nothing found"
    first = diagnosis.findings[0]
    return f"{describe_origin(first)}; {describe_path(first)}"


def describe_diagnosis(diagnosis: Diagnosis) -> str:
    """All findings with their evidence, one per paragraph."""
    paragraphs = ("\n".join(_iter_lines(finding)) for finding in diagnosis.findings)
    return "\n\n".join(paragraphs) or "nothing found"


def describe_origin(finding: Finding) -> str:
    """The mode, the agent and the span of a finding."""
    return f"{finding.mode}, begun by {finding.agent or 'an unknown agent'} in {finding.span}"


def describe_path(finding: Finding) -> str:
    """The spans from the origin to the answer."""
    return " ⟶ ".join(map(str, finding.path))


def _iter_lines(finding: Finding) -> Iterator[str]:
    yield describe_origin(finding)
    yield f"  path: {describe_path(finding)}"
    for evidence in finding.evidence:
        yield f"  {evidence.span}: {evidence.shows}:"
        yield f"    {evidence.quote}"
    yield f"  fix: {finding.fix}"

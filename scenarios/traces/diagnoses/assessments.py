"""Log findings in MLflow as assessments and issues, and whether a run is healthy.

MLflow's page of the trace then shows what went wrong and where, and the list of issues shows which
failures an experiment has, and how often.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from instrumentation.diagnosis import Diagnosis, Finding
from instrumentation.trace import Trace
from scenarios.expectations.assessments import SOURCE_ID, AssessmentLog, require_trace_id

HEALTH_NAME = "diagnosis"
NAME_PREFIX = "diagnosis: "
MAX_ISSUES = 1_000
"""Issues of an experiment among which one of the same failure mode is searched for."""


def log_findings(
    trace: Trace,
    diagnosis: Diagnosis,
    tracking_uri: str | None = None,
    *,
    with_issues: bool = True,
) -> tuple[Finding, ...]:
    """Log each finding as a feedback with the value False on its origin span, and link its issue.

    A finding that was logged before is not logged again.

    Example:
        trace = fetch_trace(trace_id, tracking_uri)
        log_findings(trace, diagnose(trace), tracking_uri)

    Args:
        trace: A trace of an MLflow store; a trace that was read from JSON has no ids.
        tracking_uri: The store. Default: that of `mlflow.get_tracking_uri()`.
        with_issues: Also reference the experiment's issue of each failure mode.

    Returns:
        The findings that were logged now.

    Raises:
        TraceNotFoundError: The trace was not read from a store.
    """
    log, logged = AssessmentLog(tracking_uri), []
    for finding in diagnosis.findings:
        known = log.known_assessments(require_trace_id(finding.origin))
        on_span = [one for one in known if one.span_id == finding.span_id]
        name = f"{NAME_PREFIX}{finding.mode}"
        if all(one.name != name for one in on_span):
            log.log_failure(finding.origin, name, explain_finding(finding), _metadata(finding))
            logged.append(finding)
        if with_issues and all(getattr(one, "issue_name", "") != finding.mode for one in on_span):
            _link_issue(log, trace, finding)
    return tuple(logged)


def log_health(trace: Trace, diagnosis: Diagnosis, tracking_uri: str | None = None) -> bool:
    """Log as the feedback "diagnosis" on each of a run's traces whether nothing was found.

    MLflow's pages show from it, over time, the share of runs without a finding.

    Returns:
        Whether it was logged now; False if all traces had it.
    """
    log, is_logged = AssessmentLog(tracking_uri), False
    modes = ", ".join(finding.mode for finding in diagnosis.findings) or "nothing found"
    for trace_id in trace.ids:
        if all(one.name != HEALTH_NAME for one in log.known_assessments(trace_id)):
            log.log_feedback(trace_id, HEALTH_NAME, not diagnosis.findings, rationale=modes)
            is_logged = True
    return is_logged


def explain_finding(finding: Finding) -> str:
    """The evidence, the path and the fix of a finding, one per line."""
    path = " → ".join(map(str, finding.path))
    return "\n".join([*map(str, finding.evidence), f"path: {path}", f"fix: {finding.fix}"])


def _metadata(finding: Finding) -> dict[str, str]:
    return {
        "agent": str(finding.agent),
        "path": " → ".join(map(str, finding.path)),
        "fix": finding.fix,
        "confidence": f"{finding.confidence:.2f}",
    }


def _link_issue(log: AssessmentLog, trace: Trace, finding: Finding) -> None:
    """Reference the experiment's issue of the failure mode; create it first if there is none.

    Since 3.18, MLflow has ordered evidence with an issue, which its page of the trace walks through
    span by span.
    """
    from mlflow.entities import IssueReference

    if not trace.experiment_id:
        return
    store = log.client.store
    issue = _find_issue(store, trace.experiment_id, finding.mode)
    if issue is None:
        issue = store.create_issue(
            experiment_id=trace.experiment_id,
            name=finding.mode,
            description=finding.fix,
            root_causes=[f"{finding.agent}: {finding.span}"],
            categories=["diagnosis"],
            created_by=SOURCE_ID,
        )
    metadata = _evidence_metadata(trace, finding)
    reference = IssueReference(
        issue_id=issue.issue_id,
        issue_name=issue.name,
        source=log.source,
        rationale=_summarize(finding) if metadata else explain_finding(finding),
        metadata=metadata,
        span_id=finding.span_id,
    )
    log.client.log_assessment(finding.origin.trace_id, reference)


def _evidence_metadata(trace: Trace, finding: Finding) -> dict[str, str] | None:
    """The evidence as MLflow stores it with an issue; None if the installed MLflow cannot."""
    try:
        from mlflow.entities import IssueEvidence, IssueEvidenceStep
    except ImportError:
        return None
    steps = [
        IssueEvidenceStep(span_id, text, [highlight], highlight_tone="error")
        for span_id, text, highlight in _iter_steps(trace, finding)
    ]
    evidence = IssueEvidence(_summarize(finding), steps, primary_span_id=finding.span_id)
    metadata: dict[str, str] = evidence.to_metadata()
    return metadata


def _summarize(finding: Finding) -> str:
    return f"{finding.agent or 'An unknown agent'} began it in {finding.span}. {finding.fix}"


def _iter_steps(trace: Trace, finding: Finding) -> Iterator[tuple[str, str, str]]:
    """Yield the span, the text and the words to highlight of each step: origin, evidence, path.

    Spans of other traces of a session are left out, because an issue is of one trace.
    """
    here = {span.id for span in trace if span.trace_id == finding.origin.trace_id}
    yield finding.span_id, f"{finding.mode} begins here", finding.mode
    cited = {finding.span_id}
    for one in finding.evidence:
        if one.span_id in here:
            cited.add(one.span_id)
            highlight = one.quote.strip() or one.shows
            yield one.span_id, f"{one.shows}: {highlight}", highlight
    for step in finding.path:
        if step.span_id in here - cited:
            yield step.span_id, f"it reached {step}", str(step)


def _find_issue(store: Any, experiment_id: str, mode: str) -> Any:
    issues: Sequence[Any] = store.search_issues(experiment_id=experiment_id, max_results=MAX_ISSUES)
    same = (issue for issue in issues if issue.name == mode and issue.created_by == SOURCE_ID)
    return next(same, None)

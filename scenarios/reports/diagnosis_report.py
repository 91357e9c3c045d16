"""Render a diagnosis for a terminal or a CI log, and as plain text for documents."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from instrumentation.diagnosis import Diagnosis, Evidence, Finding
from instrumentation.diagnosis.suspicion import Suspect
from instrumentation.trace import Span, Trace
from instrumentation.trace.conversations import step_number_of
from scenarios.reports.wording import count_of
from scenarios.traces.diagnoses.experiment_diagnosis import DiagnosedRun
from scenarios.traces.diagnoses.span_links import SpanLink

LABEL_WIDTH = 10
"""The width of the labels before path, evidence and remedy."""


def render_diagnosis(
    trace: Trace, diagnosis: Diagnosis, link: SpanLink | None = None
) -> RenderableType:
    """The findings, the origin first, and what the trace lacks.

    Args:
        link: Returns the address of a span in MLflow's pages; None for a trace of no store.
    """
    name = trace.ids[0] if trace.ids else trace.roots[-1].name
    lines: list[RenderableType] = [Text(name, style="bold")]
    for number, finding in enumerate(diagnosis.findings, 1):
        lines += _render_finding(number, finding, link(finding.origin) if link else "")
    if not diagnosis.findings:
        lines.append(Text.assemble(("nothing found", "green"), _end_of_run(trace)))
    for lack in diagnosis.lacks:
        lines.append(_labelled("lacks", Text(lack, style="dim")))
    return Group(*lines)


def render_experiment(name: str, runs: Sequence[DiagnosedRun]) -> RenderableType:
    """How many runs of an experiment fail in which mode, begun by which agent."""
    failed = [run for run in runs if run.findings]
    counts = Counter(_origin(run) for run in failed)
    table = Table("runs", "failure mode", "begun by", "for instance", box=None, pad_edge=False)
    for (mode, agent), count in counts.most_common():
        example = next(run for run in failed if _origin(run) == (mode, agent))
        table.add_row(str(count), mode, agent, example.trace_ids[-1])
    lines: list[RenderableType] = [
        Text(f"{name}: {count_of(len(runs), 'run')}, {len(failed)} with findings", style="bold"),
        *([table] if failed else []),
        *(Text(f"✗ {run.trace_ids[0]}: {run.problem}", "red") for run in runs if run.problem),
    ]
    if failed:
        lines.append(Text(f"look at one: python -m scenarios diagnose {failed[0].trace_ids[-1]}"))
    return Group(*lines)


def _origin(run: DiagnosedRun) -> tuple[str, str]:
    """The mode and the agent of the first finding of a run."""
    return run.findings[0].mode, run.findings[0].agent or "an unknown agent"


def _render_finding(number: int, finding: Finding, url: str) -> Iterator[RenderableType]:
    title = Text.assemble(
        (f"{number}. {finding.mode}", "bold red" if number == 1 else "bold"),
        describe_origin(finding).removeprefix(finding.mode),
    )
    yield title
    yield _labelled("path", Text(describe_path(finding)))
    yield from _render_evidence(finding.evidence)
    yield _labelled("fix", Text(finding.fix))
    yield _labelled("certainty", Text(f"{finding.confidence:.0%}; {finding.rank_reason}"))
    if url:
        link = _labelled("open", Text(url))
        link.no_wrap, link.overflow = True, "ignore"  # a broken link cannot be clicked
        yield link


def render_suspects(suspects: Sequence[Suspect]) -> RenderableType:
    """The most suspicious steps of a run, with what speaks for each."""
    if not suspects:
        return Text("no step is suspicious")
    lines: list[RenderableType] = [
        Text("most suspicious steps, if the run failed; a healthy run has such steps, too")
    ]
    for number, suspect in enumerate(suspects, 1):
        place = "" if suspect.agent == suspect.span else f" in {suspect.span}"
        agent = suspect.agent or "an unknown agent"
        lines.append(Text(f"{number}. {agent}{place}{_step_of(suspect.origin)}", "bold"))
        lines += _render_evidence(suspect.evidence)
    return Group(*lines)


def _render_evidence(evidence: Iterable[Evidence]) -> Iterator[RenderableType]:
    for one in evidence:
        yield _labelled("evidence", Text.assemble((one.span, "bold"), f": {one.shows}"))
        yield Padding(Text(f"“{one.quote}”", style="italic"), (0, 0, 0, LABEL_WIDTH + 4))


def _step_of(origin: Span) -> str:
    """The number of a step of a conversation's log."""
    number = step_number_of(origin)
    return "" if number is None else f", step {number} of the log"


def _labelled(label: str, text: Text) -> Text:
    return Text.assemble((f"  {label:<{LABEL_WIDTH}}", "dim"), text)


def _end_of_run(trace: Trace) -> str:
    """How a run without findings ended, if it failed: openly, that is, with its own error."""
    root = trace.roots[-1]
    message = root.status_message.splitlines()
    return f"; the run failed with: {message[0]}" if root.failed and message else ""


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
    agent = finding.agent or "an unknown agent"
    return f"{finding.mode}, begun by {agent} in {finding.span}{_step_of(finding.origin)}"


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

"""Render a diagnosis for a terminal or a CI log."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from instrumentation.diagnosis import Diagnosis, Finding
from instrumentation.trace import Trace

LABEL_WIDTH = 10
"""The width of the labels before path, evidence and remedy."""


def render_diagnosis(trace: Trace, diagnosis: Diagnosis) -> RenderableType:
    """The findings, the origin first, and what the trace lacks."""
    name = trace.ids[0] if trace.ids else trace.roots[-1].name
    lines: list[RenderableType] = [Text(name, style="bold")]
    for number, finding in enumerate(diagnosis.findings, 1):
        lines += _render_finding(number, finding)
    if not diagnosis.findings:
        lines.append(Text.assemble(("nothing found", "green"), _end_of_run(trace)))
    for lack in diagnosis.lacks:
        lines.append(_labelled("lacks", Text(lack, style="dim")))
    return Group(*lines)


def _render_finding(number: int, finding: Finding) -> Iterator[RenderableType]:
    title = Text.assemble(
        (f"{number}. {finding.mode}", "bold red" if number == 1 else "bold"),
        f", begun by {finding.agent or 'an unknown agent'} in {finding.span}",
    )
    yield title
    yield _labelled("path", Text(" ⟶ ".join(map(str, finding.path))))
    for evidence in finding.evidence:
        yield _labelled("evidence", Text.assemble((evidence.span, "bold"), f": {evidence.shows}"))
        yield Padding(Text(f"“{evidence.quote}”", style="italic"), (0, 0, 0, LABEL_WIDTH + 4))
    yield _labelled("fix", Text(finding.fix))
    yield _labelled("certainty", Text(f"{finding.confidence:.0%}; {finding.rank_reason}"))


def _labelled(label: str, text: Text) -> RenderableType:
    return Text.assemble((f"  {label:<{LABEL_WIDTH}}", "dim"), text)


def _end_of_run(trace: Trace) -> str:
    """How a run without findings ended, if it failed: openly, that is, with its own error."""
    root = trace.roots[-1]
    message = root.status_message.splitlines()
    return f"; the run failed with: {message[0]}" if root.failed and message else ""

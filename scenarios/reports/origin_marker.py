"""Find the span where a broken run went wrong, and mark it in the trace's outline."""

from instrumentation.trace import Span, Trace
from instrumentation.trace.outline import outline_lines
from scenarios.expectations.wording import shorten, to_text
from scenarios.scenario import FailureOrigin

MARKER = "▶ "
MARGIN = "  "


def mark_origin(trace: Trace, origin: FailureOrigin | None) -> str:
    """The outline of a trace, with a marker in the margin at the origin of the failure."""
    origin_span = find_origin_span(trace, origin) if origin else None
    return "\n".join(
        mark_line(span, line) if span is origin_span else f"{MARGIN}{line}"
        for span, line in outline_lines(trace)
    )


def mark_line(span: Span, line: str) -> str:
    """The marked line of a span; for a successful tool call, its result on a second line."""
    if span.type != "TOOL" or span.failed:
        return f"{MARKER}{line}"
    indent = " " * (len(line) - len(line.lstrip()))
    result = " ".join(to_text(span.outputs).split()) or "nothing"
    return f"{MARKER}{line}\n{MARGIN}{indent}→ {shorten(result)}"


def find_origin_span(trace: Trace, origin: FailureOrigin) -> Span | None:
    """The span that an origin names.

    The spans of that name inside turns of the origin's agent count, or all of that name if there
    are none. If the origin names a task, only spans inside that task count.
    """
    tasks = (span for span in trace.spans_of_type("TASK") if span.name == origin.task)
    spans = [span for task in tasks for span in task] if origin.task else list(trace)
    turns = [span for span in spans if span.type == "AGENT" and span.agent == origin.agent]
    found = [span for turn in turns for span in turn if span.name == origin.span]
    found = found or [span for span in spans if span.name == origin.span]
    try:
        return found[origin.occurrence]
    except IndexError:
        return None

"""A mark: the span to look at, in the outline of a broken run."""

from instrumentation.trace.outline import outline_lines
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations.wording import shorten, to_text
from scenarios.scenario import Origin

MARKER = "▶ "
MARGIN = "  "


def mark_origin(trace: Trace, origin: Origin | None) -> str:
    """The outline, with a margin in which the span stands marked where it went wrong."""
    looked_at = find_origin_span(trace, origin) if origin else None
    return "\n".join(
        mark_line(span, line) if span is looked_at else f"{MARGIN}{line}"
        for span, line in outline_lines(trace)
    )


def mark_line(span: Span, line: str) -> str:
    """The line of the span to look at; beneath that of a tool, what it answered, if it did."""
    if span.type != "TOOL" or span.failed:
        return f"{MARKER}{line}"
    indent = " " * (len(line) - len(line.lstrip()))
    answered = " ".join(to_text(span.outputs).split()) or "nothing"
    return f"{MARKER}{line}\n{MARGIN}{indent}→ {shorten(answered)}"


def find_origin_span(trace: Trace, origin: Origin) -> Span | None:
    """The span that an origin names: the last of that name in which its agent is at work, or, for a
    span that belongs to no turn, the last of that name; in the origin's task, if it names one."""
    tasks = (span for span in trace.spans_of_type("TASK") if span.name == origin.task)
    within = [span for task in tasks for span in task] if origin.task else list(trace)
    turns = [span for span in within if span.type == "AGENT" and span.agent == origin.agent]
    named = [span for turn in turns for span in turn if span.name == origin.span]
    named = named or [span for span in within if span.name == origin.span]
    return named[-1] if named else None

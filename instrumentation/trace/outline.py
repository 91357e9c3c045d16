"""Render a trace as an outline: one span per line, children indented below their parent."""

import re
from collections.abc import Callable, Iterator

from instrumentation.trace.canonical_json import mask_volatile_ids
from instrumentation.trace.span import OUTCOME_ATTRIBUTE, Span
from instrumentation.trace.span_tree import UNREADABLE_TRACE_ERRORS
from instrumentation.trace.trace import Trace
from instrumentation.trace.wording import truncate

INDENT = "  "
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that change how a terminal displays text: controls and changes of text direction."""
MAX_ARGUMENT_CHARS = 48
"""Longer tool arguments are truncated."""
MAX_NAMED_TURNS = 6
"""More concurrent turns are counted instead of named."""
MAX_ERROR_CHARS = 60
"""Longer error messages are truncated."""


def render_outline(trace: Trace) -> str:
    """Render a trace without ids, times and ports, one span per line.

    Example:
        writer → editor  [HANDOFF OK]  12% of 540 chars arrived
        editor  [AGENT OK]
    """
    return "".join(f"{line}\n" for _, line in outline_lines(trace))


def outline_lines(trace: Trace) -> Iterator[tuple[Span, str]]:
    """Yield each span with its line, in the order of the outline."""
    session_details = (mask_volatile_ids(str(trace.session)),) if trace.session else ()
    for root in trace.roots:
        yield root, _format_line(root, 0, session_details)
        for child in root.children:
            yield from _descendant_lines(child, 1)


def _descendant_lines(span: Span, depth: int) -> Iterator[tuple[Span, str]]:
    yield span, _format_line(span, depth)
    for child in span.children:
        yield from _descendant_lines(child, depth + 1)


def _format_line(span: Span, depth: int, session_details: tuple[str, ...] = ()) -> str:
    details = "".join(f"  {detail}" for detail in (*session_details, *span_details(span)))
    line = f"{INDENT * depth}{span.name}  [{span.type} {span.status}]{details}"
    return CONTROL_CHARACTERS.sub("�", line)


def span_details(span: Span) -> Iterator[str]:
    """The most important facts about a span of its type, and its error message."""
    if details := DETAILS_BY_TYPE.get(span.type):
        try:
            yield from list(details(span))
        except UNREADABLE_TRACE_ERRORS:  # attributes of another program
            yield "(its attributes cannot be read)"
    if span.failed and span.status_message:
        message = mask_volatile_ids(span.status_message.splitlines()[0])
        yield f"! {truncate(message, MAX_ERROR_CHARS)}"


def _handoff_details(span: Span) -> Iterator[str]:
    attributes = span.attributes
    score = attributes.get("flight_recorder.handoff.efficiency_score")
    if isinstance(score, int | float):  # the log of a conversation does not tell
        sent = attributes.get("flight_recorder.handoff.output_chars", "unknown")
        yield f"{score:.0%} of {sent} chars arrived"
    if condition := attributes.get("flight_recorder.routing.condition"):
        yield f"edge {condition}"


def _completion_details(span: Span) -> Iterator[str]:
    if span.tokens.total:
        yield f"{span.tokens.input} tokens in, {span.tokens.output} out"
    if (attempts := span.attributes.get("flight_recorder.http.attempts", 1)) > 1:
        yield f"{attempts} attempts"


def _tool_details(span: Span) -> Iterator[str]:
    if isinstance(span.inputs, dict) and span.inputs:
        values = ", ".join(str(span.inputs[name]) for name in sorted(span.inputs))
        yield f"({truncate(' '.join(values.split()), MAX_ARGUMENT_CHARS)})"
    if shared := span.attributes.get("flight_recorder.measurement.shared"):
        yield f"shares {', '.join(shared)}"
    if polls := span.attributes.get("flight_recorder.lookup.unchanged_poll_count"):
        yield f"{polls} poll{'s' if polls > 1 else ''} without progress"


def _guardrail_details(span: Span) -> Iterator[str]:
    blocked = span.attributes.get("flight_recorder.guardrail.blocked")
    passed = span.attributes.get("flight_recorder.guardrail.passed")
    yield "blocked" if blocked else "passed" if passed else "sent back"


def _state_details(span: Span) -> Iterator[str]:
    grounded_by = span.attributes.get("flight_recorder.state.grounded_by")
    yield f"grounded by {grounded_by}" if grounded_by else "ungrounded"
    if replaced := span.attributes.get("flight_recorder.state.replaces"):
        yield f"over {', '.join(replaced)}, unread"


def _turn_details(span: Span) -> Iterator[str]:
    if concurrent := span.concurrent_agents:
        too_many = len(concurrent) > MAX_NAMED_TURNS
        yield f"∥ {len(concurrent)} others" if too_many else f"∥ {', '.join(concurrent)}"


def _chain_details(span: Span) -> Iterator[str]:
    if outcome := span.attributes.get(OUTCOME_ATTRIBUTE):
        yield f"→ {outcome}"


DETAILS_BY_TYPE: dict[str, Callable[[Span], Iterator[str]]] = {
    "AGENT": _turn_details,
    "CHAIN": _chain_details,
    "GUARDRAIL": _guardrail_details,
    "HANDOFF": _handoff_details,
    "LLM": _completion_details,
    "STATE": _state_details,
    "TOOL": _tool_details,
}

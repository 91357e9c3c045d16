"""An outline: a trace as text that a person reviews, one span a line, a child under its parent."""

import re
from collections.abc import Callable, Iterator

from instrumentation.trace.canonical_json import mask_volatile_ids
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace

INDENT = "  "
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal would obey, and a name or an error may hold: controls, and turns of direction."""
MAX_ARGUMENT_CHARS = 48
"""How much of a tool's arguments a line has room for, in characters."""
MAX_NAMED_TURNS = 6
"""How many names of other turns a line has room for."""
MAX_ERROR_CHARS = 60
"""How much of an error's sentence a line has room for, in characters."""


def render_outline(trace: Trace) -> str:
    """The trace without ids, times and ports, a line a span, each line ended by a line feed."""
    return "".join(f"{line}\n" for _, line in outline_lines(trace))


def outline_lines(trace: Trace) -> Iterator[tuple[Span, str]]:
    """Each span with its line, in the order of the outline."""
    of_session = (mask_volatile_ids(str(trace.session)),) if trace.session else ()
    for root in trace.roots:
        yield root, _format_line(root, 0, of_session)
        for child in root.children:
            yield from _descendant_lines(child, 1)


def _descendant_lines(span: Span, depth: int) -> Iterator[tuple[Span, str]]:
    yield span, _format_line(span, depth)
    for child in span.children:
        yield from _descendant_lines(child, depth + 1)


def _format_line(span: Span, depth: int, session_details: tuple[str, ...] = ()) -> str:
    told = "".join(f"  {word}" for word in (*session_details, *_span_details(span)))
    return CONTROL_CHARACTERS.sub(
        "�", f"{INDENT * depth}{span.name}  [{span.type} {span.status}]{told}"
    )


def _span_details(span: Span) -> Iterator[str]:
    """What matters of a span beside its name: by its type, and why it failed."""
    if tell := DETAILS_BY_TYPE.get(span.type):
        yield from tell(span)
    if span.failed and span.status_message:
        says = mask_volatile_ids(span.status_message.splitlines()[0])
        yield f"! {says if len(says) <= MAX_ERROR_CHARS else says[: MAX_ERROR_CHARS - 1] + '…'}"


def _handoff_details(span: Span) -> Iterator[str]:
    told = span.attributes
    yield f"{told['flight_recorder.handoff.efficiency_score']:.0%} of {told['flight_recorder.handoff.output_chars']} chars arrived"
    if condition := told.get("flight_recorder.routing.condition"):
        yield f"edge {condition}"


def _completion_details(span: Span) -> Iterator[str]:
    if span.tokens.total:
        yield f"{span.tokens.input} tokens in, {span.tokens.output} out"
    if (attempts := span.attributes.get("flight_recorder.http.attempts", 1)) > 1:
        yield f"{attempts} attempts"


def _tool_details(span: Span) -> Iterator[str]:
    """Its arguments, by their names, but not where they are as long as a text."""
    if isinstance(span.inputs, dict) and span.inputs:
        told = " ".join(", ".join(str(span.inputs[name]) for name in sorted(span.inputs)).split())
        yield f"({told if len(told) <= MAX_ARGUMENT_CHARS else told[: MAX_ARGUMENT_CHARS - 1] + '…'})"
    if shared := span.attributes.get("flight_recorder.measurement.shared"):
        yield f"shares {', '.join(shared)}"
    if silent := span.attributes.get("flight_recorder.lookup.silent_count"):
        yield f"{silent} answer{'s' if silent > 1 else ''} without news"


def _guardrail_details(span: Span) -> Iterator[str]:
    passed = span.attributes.get("flight_recorder.guardrail.passed")
    yield "passed" if passed else "sent back"


def _state_details(span: Span) -> Iterator[str]:
    grounds = span.attributes.get("flight_recorder.state.grounded_by")
    yield f"grounded by {grounds}" if grounds else "ungrounded"
    if replaced := span.attributes.get("flight_recorder.state.replaces"):
        yield f"over {', '.join(replaced)}, unread"


def _turn_details(span: Span) -> Iterator[str]:
    if alongside := span.attributes.get("flight_recorder.turn.alongside"):
        many = len(alongside) > MAX_NAMED_TURNS
        yield f"∥ {len(alongside)} others" if many else f"∥ {', '.join(alongside)}"


def _chain_details(span: Span) -> Iterator[str]:
    if outcome := span.attributes.get("flight_recorder.workflow.outcome"):
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

"""An outline: a trace as text that a person reviews, one span a line, a child under its parent."""

import re
from collections.abc import Callable, Iterator

from instrumentation.trace.canonical_json import scrubbed
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace

INDENT = "  "
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal would obey, and a name or an error may hold: controls, and turns of direction."""
ARGUMENTS = 48
"""How much of a tool's arguments a line has room for, in characters."""
NAMED = 6
"""How many names of other turns a line has room for."""
SAYS = 60
"""How much of an error's sentence a line has room for, in characters."""


def outline(trace: Trace) -> str:
    """The trace without ids, times and ports, a line a span, each line ended by a line feed."""
    return "".join(f"{line}\n" for _, line in lines(trace))


def lines(trace: Trace) -> Iterator[tuple[Span, str]]:
    """Each span with its line, in the order of the outline."""
    of_session = (scrubbed(str(trace.session)),) if trace.session else ()
    for root in trace.roots:
        yield root, _line(root, 0, of_session)
        for child in root.children:
            yield from _beneath(child, 1)


def _beneath(span: Span, depth: int) -> Iterator[tuple[Span, str]]:
    yield span, _line(span, depth)
    for child in span.children:
        yield from _beneath(child, depth + 1)


def _line(span: Span, depth: int, first: tuple[str, ...] = ()) -> str:
    told = "".join(f"  {word}" for word in (*first, *_tells(span)))
    return CONTROL.sub("�", f"{INDENT * depth}{span.name}  [{span.type} {span.status}]{told}")


def _tells(span: Span) -> Iterator[str]:
    """What matters of a span beside its name: by its type, and why it failed."""
    if tell := TELLING.get(span.type):
        yield from tell(span)
    if span.failed and span.says:
        says = scrubbed(span.says.splitlines()[0])
        yield f"! {says if len(says) <= SAYS else says[: SAYS - 1] + '…'}"


def _handoff(span: Span) -> Iterator[str]:
    told = span.attributes
    yield f"{told['handoff.efficiency_score']:.0%} of {told['handoff.output_chars']} chars arrived"
    if condition := told.get("routing.condition"):
        yield f"edge {condition}"


def _completion(span: Span) -> Iterator[str]:
    if span.tokens.total:
        yield f"{span.tokens.input} tokens in, {span.tokens.output} out"
    if (attempts := span.attributes.get("http.attempts", 1)) > 1:
        yield f"{attempts} attempts"


def _tool(span: Span) -> Iterator[str]:
    """Its arguments, by their names, but not where they are as long as a text."""
    if isinstance(span.inputs, dict) and span.inputs:
        told = " ".join(", ".join(str(span.inputs[name]) for name in sorted(span.inputs)).split())
        yield f"({told if len(told) <= ARGUMENTS else told[: ARGUMENTS - 1] + '…'})"
    if shared := span.attributes.get("measurement.shared"):
        yield f"shares {', '.join(shared)}"
    if silent := span.attributes.get("lookup.silent_count"):
        yield f"{silent} answer{'s' if silent > 1 else ''} without news"


def _guardrail(span: Span) -> Iterator[str]:
    passed = span.attributes.get("guardrail.passed")
    yield "passed" if passed else "sent back"


def _state(span: Span) -> Iterator[str]:
    grounds = span.attributes.get("state.grounded_by")
    yield f"grounded by {grounds}" if grounds else "ungrounded"
    if replaced := span.attributes.get("state.replaces"):
        yield f"over {', '.join(replaced)}, unread"


def _turn(span: Span) -> Iterator[str]:
    if alongside := span.attributes.get("turn.alongside"):
        many = len(alongside) > NAMED
        yield f"∥ {len(alongside)} others" if many else f"∥ {', '.join(alongside)}"


def _chain(span: Span) -> Iterator[str]:
    if outcome := span.attributes.get("workflow.outcome"):
        yield f"→ {outcome}"


TELLING: dict[str, Callable[[Span], Iterator[str]]] = {
    "AGENT": _turn,
    "CHAIN": _chain,
    "GUARDRAIL": _guardrail,
    "HANDOFF": _handoff,
    "LLM": _completion,
    "STATE": _state,
    "TOOL": _tool,
}

"""An outline: a trace as text that a person reviews, one span a line, a child under its parent."""

import re
from collections.abc import Callable, Iterator

from instrumentation.canonical import scrubbed
from instrumentation.span import Span
from instrumentation.trace import Trace

INDENT = "  "
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""What a terminal would obey, and a name or an error may hold."""
ARGUMENTS = 48
"""How much of a tool's arguments a line has room for, in characters."""
SAYS = 60
"""How much of an error's sentence a line has room for, in characters."""


def outline(trace: Trace) -> str:
    """The trace without ids, times and ports, a line a span, each line ended by a line feed."""
    return "".join(f"{line}\n" for _, line in lines(trace))


def lines(trace: Trace) -> Iterator[tuple[Span, str]]:
    """Each span with its line, in the order of the outline."""
    for root in trace.roots:
        yield from _beneath(root, 0)


def _beneath(span: Span, depth: int) -> Iterator[tuple[Span, str]]:
    told = "".join(f"  {word}" for word in _tells(span))
    line = f"{INDENT * depth}{span.name}  [{span.type} {span.status}]{told}"
    yield span, CONTROL.sub("�", line)
    for child in span.children:
        yield from _beneath(child, depth + 1)


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
    """Its arguments, but not where they are as long as a text."""
    if isinstance(span.inputs, dict):
        told = " ".join(", ".join(map(str, span.inputs.values())).split())
        yield f"({told if len(told) <= ARGUMENTS else told[: ARGUMENTS - 1] + '…'})"


def _guardrail(span: Span) -> Iterator[str]:
    passed = span.attributes.get("guardrail.passed")
    yield "passed" if passed else "sent back"


def _state(span: Span) -> Iterator[str]:
    grounds = span.attributes.get("state.grounded_by")
    yield f"grounded by {grounds}" if grounds else "ungrounded"


def _chain(span: Span) -> Iterator[str]:
    if outcome := span.attributes.get("workflow.outcome"):
        yield f"→ {outcome}"


TELLING: dict[str, Callable[[Span], Iterator[str]]] = {
    "CHAIN": _chain,
    "GUARDRAIL": _guardrail,
    "HANDOFF": _handoff,
    "LLM": _completion,
    "STATE": _state,
    "TOOL": _tool,
}

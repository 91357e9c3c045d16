"""Duplicate work: agents at work at the same time do the same operation on the same inputs."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.texts import is_empty, to_json_text
from instrumentation.diagnosis.reading.trace_index import STATE_KEY_ATTRIBUTE
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "step repetition"
FIX = "Share results between branches: key them by what is asked, not by who asks."
IGNORED_SPAN_TYPES = frozenset(
    ("AGENT", "CHAIN", "TASK", "LLM", "CHAT_MODEL", "HANDOFF", "STATE", "GUARDRAIL", "ATTEMPT")
)


def find_concurrent_duplicates(reading: TraceReading) -> Iterator[Finding]:
    """Yield the first of the operations that one branch repeats of others.

    Which branch was first is chance where they run at once, so the origin is in the branch of which
    most operations are also done by others.
    """
    groups: dict[tuple[str, str], list[Span]] = {}
    for span in reading.index.spans:
        if span.type in IGNORED_SPAN_TYPES or span.failed or is_empty(span.inputs):
            continue
        if not any(
            STATE_KEY_ATTRIBUTE in inner.attributes or inner.type == "AGENT" for inner in span
        ):
            groups.setdefault((span.name, to_json_text(span.inputs)), []).append(span)
    shared: dict[str, list[tuple[Span, Span]]] = {}
    for spans in groups.values():
        for span in spans:
            other = next((one for one in spans if _is_duplicate(reading, span, one)), None)
            if other is not None:
                shared.setdefault(str(reading.index.agent(span)), []).append((span, other))
    if shared:
        position = reading.index.position
        most = max(shared.values(), key=lambda pairs: (len(pairs), position(pairs[0][0])))
        most.sort(key=lambda pair: position(pair[0]))
        evidence = [
            quote(one, one.inputs, f"{reading.index.agent(one)} measured or fetched this")
            for pair in most
            for one in pair
        ]
        yield reading.build_finding(MODE, most[0][0], FIX, 0.85, *evidence)


def _is_duplicate(reading: TraceReading, span: Span, other: Span) -> bool:
    """Whether two spans are of turns of two agents at work at the same time."""
    index = reading.index
    turn, other_turn = index.turn(span), index.turn(other)
    if turn is None or other_turn is None or turn.agent == other_turn.agent:
        return False
    if span.outputs != other.outputs or index.contains(turn, other_turn):
        return False
    if index.contains(other_turn, turn):
        return False
    return not index.is_before(turn, other_turn) and not index.is_before(other_turn, turn)

"""Sort sibling spans so that two runs of the same workflow produce the same tree."""

import json
from collections.abc import Iterable

from instrumentation.trace.span import Span


def sort_siblings(siblings: Iterable[Span]) -> tuple[Span, ...]:
    """Sort siblings by start time; where that order is accidental, by name and inputs.

    The order is accidental among spans that overlap in time, among tool calls without a completion
    between them (the calls of one reply), and among handoffs from turns that ran concurrently.
    Among those, handoffs come first.
    """
    by_start = sorted(siblings, key=lambda span: span.start_ns)
    concurrent: dict[str | None, set[str]] = {}
    for turn in by_start:
        concurrent.setdefault(turn.agent, set()).update(
            turn.attributes.get("flight_recorder.turn.alongside", ())
        )
    groups: list[list[Span]] = []
    busy_until_ns = -1
    for span in by_start:
        last = groups[-1][-1] if groups else None
        same_reply = last is not None and span.type == last.type == "TOOL"
        senders_overlap = last is not None and _handoff_sender(span) in concurrent.get(
            _handoff_sender(last), ()
        )
        if groups and (same_reply or senders_overlap or span.start_ns < busy_until_ns):
            groups[-1].append(span)
        else:
            groups.append([span])
        busy_until_ns = max(busy_until_ns, span.end_ns)
    return tuple(span for group in groups for span in sorted(group, key=_sort_key))


def _handoff_sender(span: Span) -> str | None:
    """The sender of a handoff; None for any other span."""
    return span.attributes.get("flight_recorder.handoff.from_agent")


def _sort_key(span: Span) -> tuple[bool, str, str, str]:
    inputs = json.dumps(span.inputs, sort_keys=True, default=str)
    return (span.type != "HANDOFF", span.name, span.type, inputs)

"""An order: how siblings in a trace stand, so that two runs of the same workflow read the same."""

import json
from collections.abc import Iterable

from instrumentation.trace.span import Span


def sort_siblings(siblings: Iterable[Span]) -> tuple[Span, ...]:
    """Siblings as they began; those whose order is chance stand by name and by what they were
    given, handoffs first.

    It is chance among spans that ran at the same time, among tool calls with no completion between
    them, which are calls of one reply, and among handoffs from turns that ran alongside each other.
    """
    began = sorted(siblings, key=lambda span: span.start_ns)
    alongside: dict[str | None, set[str]] = {}
    for turn in began:
        alongside.setdefault(turn.agent, set()).update(
            turn.attributes.get("flight_recorder.turn.alongside", ())
        )
    groups: list[list[Span]] = []
    busy_until = -1
    for span in began:
        last = groups[-1][-1] if groups else None
        one_reply = last is not None and span.type == last.type == "TOOL"
        at_once = last is not None and _handoff_sender(span) in alongside.get(
            _handoff_sender(last), ()
        )
        if groups and (one_reply or at_once or span.start_ns < busy_until):
            groups[-1].append(span)
        else:
            groups.append([span])
        busy_until = max(busy_until, span.end_ns)
    return tuple(span for group in groups for span in sorted(group, key=_sort_key))


def _handoff_sender(span: Span) -> str | None:
    """From whom a handoff comes; None of any other span."""
    return span.attributes.get("flight_recorder.handoff.from_agent")


def _sort_key(span: Span) -> tuple[bool, str, str, str]:
    given = json.dumps(span.inputs, sort_keys=True, default=str)
    return (span.type != "HANDOFF", span.name, span.type, given)

"""A handoff of a trace: the sender's output, the receiver's turn, and whether it arrived."""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass

from instrumentation.diagnosis.data_flow import DataFlow
from instrumentation.diagnosis.grounding import figures_of
from instrumentation.diagnosis.texts import to_json_text, words
from instrumentation.diagnosis.trace_index import TraceIndex
from instrumentation.figures import Figure
from instrumentation.trace.span import Span

PREFIX = "flight_recorder.handoff."
MAX_LOST_SCORE = 0.5
"""A handoff with a higher score has passed on most of the text."""
MIN_RESTATED_SHARE = 0.8
"""The share of a sender's words or figures that another text must repeat to make up for a loss."""


@dataclass(frozen=True)
class Handoff:
    """A HANDOFF span, read.

    Attributes:
        sent: The sender's output.
        score: The share of it that is in the receiver's prompt.
        sender: The sender's last turn before it; None if it had none.
        receiver: The receiver's turn that follows.
    """

    span: Span
    from_agent: str
    to_agent: str
    sent: str
    score: float
    sender: Span | None
    receiver: Span | None

    @property
    def figures(self) -> tuple[Figure, ...]:
        return figures_of(self.sent)


def read_handoffs(index: TraceIndex) -> tuple[Handoff, ...]:
    """The handoffs of a trace, in order."""
    return tuple(_iter_handoffs(index))


def _iter_handoffs(index: TraceIndex) -> Iterator[Handoff]:
    turns: dict[str, tuple[list[Span], list[int]]] = {}
    for turn in index.turns:
        of_agent, positions = turns.setdefault(str(turn.agent), ([], []))
        of_agent.append(turn)
        positions.append(index.position(turn))
    for span in index.handoffs:
        attributes = span.attributes
        sender = str(attributes.get(f"{PREFIX}from_agent"))
        receiver = str(attributes.get(f"{PREFIX}to_agent"))
        here = index.position(span)
        senders, starts = turns.get(sender, ([], []))
        before = senders[: bisect.bisect_left(starts, here)]
        receivers, starts = turns.get(receiver, ([], []))
        after = receivers[bisect.bisect_right(starts, here) :]
        yield Handoff(
            span=span,
            from_agent=sender,
            to_agent=receiver,
            sent=to_json_text((span.inputs or {}).get("sent")),
            score=float(attributes.get(f"{PREFIX}efficiency_score", 1.0)),
            sender=before[-1] if before else None,
            receiver=after[0] if after else None,
        )


def is_lost(handoff: Handoff, flow: DataFlow) -> bool:
    """Whether the receiver got the content neither by the handoff nor in another way."""
    if handoff.score >= MAX_LOST_SCORE or handoff.receiver is None:
        return False
    return not _is_restated(handoff, flow.prompt(handoff.receiver))


def _is_restated(handoff: Handoff, prompt: str) -> bool:
    """Whether a prompt has the figures of a lost text, or without figures its words."""
    if figures := handoff.figures:
        known = figures_of(prompt)
        found = sum(
            any(one.covers(other.value) and one.same_unit(other) for other in known)
            for one in figures
        )
        return found >= MIN_RESTATED_SHARE * len(figures)
    sent, given = set(words(handoff.sent)), set(words(prompt))
    return len(sent & given) >= MIN_RESTATED_SHARE * len(sent)

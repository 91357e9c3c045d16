"""Handoffs of a trace: a sender's output, the receiver's turn, and how much of it arrived.

Where a trace has no handoff spans, as those of other instrumentors, handoffs are inferred: each
agent that had a turn since the receiver's last one may have had something to pass on, and the
receiver's prompt shows what it was given.
"""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass

from instrumentation.diagnosis.reading.data_flow import DataFlow
from instrumentation.diagnosis.reading.grounding import figures_of
from instrumentation.diagnosis.reading.span_values import as_mapping, as_number
from instrumentation.diagnosis.reading.texts import sentence_keys, to_json_text, words
from instrumentation.diagnosis.reading.trace_index import TOOL_TYPES, TraceIndex
from instrumentation.figures import Figure
from instrumentation.trace.span import Span

HANDOFF_PREFIX = "flight_recorder.handoff."
MAX_LOST_SCORE = 0.5
"""A handoff with a higher score has passed on most of the text."""


@dataclass(frozen=True)
class Handoff:
    """Work that passes from one agent to another.

    Attributes:
        span: The HANDOFF span; of an inferred handoff, the receiver's turn.
        score: The share of it that is in the receiver's prompt.
        sender: The sender's last turn before it; None if it had none.
        receiver: The receiver's turn that follows; None if there is none.
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

    @property
    def is_inferred(self) -> bool:
        """Whether the trace has no span of the handoff."""
        return self.span is self.receiver

    @property
    def is_lost(self) -> bool:
        """Whether most of the output did not arrive."""
        return self.score < MAX_LOST_SCORE and self.receiver is not None


def read_handoffs(index: TraceIndex, flow: DataFlow) -> tuple[Handoff, ...]:
    """The handoffs of a trace, in order: recorded ones, or else inferred ones."""
    recorded = [span for span in index.handoffs if f"{HANDOFF_PREFIX}from_agent" in span.attributes]
    if recorded:
        return tuple(_read_spans(index, recorded))
    # Without times, agents that worked at once look like agents that worked one after the other.
    return tuple(_infer_handoffs(index, flow)) if index.has_times else ()


def arrived_share(output: str, prompt: str) -> float:
    """The share of an output's sentences that a prompt contains; of short ones, of its words."""
    if sentences := sentence_keys(output):
        return len(sentences & sentence_keys(prompt)) / len(sentences)
    sent = set(words(output))
    return len(sent & set(words(prompt))) / len(sent) if sent else 1.0


def _read_spans(index: TraceIndex, spans: list[Span]) -> Iterator[Handoff]:
    turns: dict[str, tuple[list[Span], list[int]]] = {}
    for turn in index.turns:
        of_agent, positions = turns.setdefault(str(turn.agent), ([], []))
        of_agent.append(turn)
        positions.append(index.position(turn))
    for span in spans:
        attributes = span.attributes
        sender = str(attributes[f"{HANDOFF_PREFIX}from_agent"])
        receiver = str(attributes.get(f"{HANDOFF_PREFIX}to_agent"))
        here = index.position(span)
        senders, starts = turns.get(sender, ([], []))
        before = senders[: bisect.bisect_left(starts, here)]
        receivers, starts = turns.get(receiver, ([], []))
        after = receivers[bisect.bisect_right(starts, here) :]
        yield Handoff(
            span=span,
            from_agent=sender,
            to_agent=receiver,
            sent=to_json_text(as_mapping(span.inputs).get("sent")),
            score=as_number(attributes.get(f"{HANDOFF_PREFIX}efficiency_score"), 1.0),
            sender=before[-1] if before else None,
            receiver=after[0] if after else None,
        )


def _infer_handoffs(index: TraceIndex, flow: DataFlow) -> Iterator[Handoff]:
    """The handoffs to each turn from the agents with a turn since the receiver's last one."""
    recent: dict[str, dict[str, Span]] = {}
    agents = dict.fromkeys(str(turn.agent) for turn in index.turns)
    for turn in index.turns:
        receiver = str(turn.agent)
        if (call := _delegating_call(index, turn)) is not None:
            outer = str(index.agent(call))
            sent = to_json_text(call.inputs)
            yield Handoff(turn, outer, receiver, sent, 1.0, index.turn(call), turn)
            continue
        for sender, output in recent.pop(receiver, {}).items():
            if index.is_before(output, turn) and (prompt := flow.prompt(turn)):
                sent = flow.output(output)
                score = arrived_share(sent, prompt)
                yield Handoff(turn, sender, receiver, sent, score, output, turn)
        for other in agents:
            if other != receiver:
                recent.setdefault(other, {})[receiver] = turn


def _delegating_call(index: TraceIndex, turn: Span) -> Span | None:
    """The tool call inside which a turn took place, as where an agent calls another one."""
    call = index.caller(turn)
    return call if call and call.type in TOOL_TYPES and index.turn(call) else None

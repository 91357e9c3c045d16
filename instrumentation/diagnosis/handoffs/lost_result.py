"""Information withholding: an agent's result reaches the next one neither directly nor restated."""

from collections.abc import Iterator, Mapping, Sequence

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.handoffs.lost_objection import is_lost_objection
from instrumentation.diagnosis.reading.grounding import figures_of
from instrumentation.diagnosis.reading.handoff import Handoff
from instrumentation.diagnosis.reading.lexicon import INABILITY, REQUIREMENT
from instrumentation.diagnosis.reading.texts import content_words
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.reading.verdict import read_verdict
from instrumentation.figures import Figure
from instrumentation.trace.span import Span

MODE = "information withholding"
FIX = (
    "Pass the sender's output to the receiver: in CrewAI, list the sender's task in the `context=`"
    " of the receiver's task; in AutoGen, the sender among the sources of its message filter."
)
MIN_RESTATED_SHARE = 0.5
"""The share of a sender's figures or words that a prompt must have in another way."""


def find_lost_results(reading: TraceReading) -> Iterator[Finding]:
    """Yield handoffs of results that did not arrive, neither directly nor through other agents.

    An agent in a chain needs only what the agent before it made of the results. A reviewer's
    verdict, however, does not contain what was reviewed.
    """
    arrivals: dict[int, list[Span]] = {}
    for handoff in reading.handoffs:
        if not handoff.is_lost and handoff.receiver is not None and handoff.sender is not None:
            arrivals.setdefault(id(handoff.receiver), []).append(handoff.sender)
    first_turns: dict[str, Span] = {}
    for turn in reading.index.turns:
        first_turns.setdefault(str(turn.agent), turn)
    lost = [
        handoff
        for handoff in reading.handoffs
        if handoff.is_lost
        and not _goes_back(reading, handoff, first_turns)
        and not _came_through_others(reading, handoff, arrivals)
        and not _is_joined_later(reading, handoff, arrivals)
        and not _is_restated(reading, handoff)
        and not is_lost_objection(reading, handoff)
    ]
    if lost:
        yield _build_finding(reading, lost)


def _goes_back(reading: TraceReading, lost: Handoff, first_turns: Mapping[str, Span]) -> bool:
    """Whether a handoff is inferred, and the receiver had a turn before the sender's.

    Without a span of the handoff, nothing says that a text was meant to go back.
    """
    first = first_turns.get(lost.to_agent)
    if not lost.is_inferred or first is None or lost.sender is None:
        return False
    return reading.index.is_before(first, lost.sender)


def _came_through_others(
    reading: TraceReading, lost: Handoff, arrivals: Mapping[int, Sequence[Span]]
) -> bool:
    """Whether an agent received the output, and its own output arrived at the receiver."""
    known: set[int] = set()
    pending = [*arrivals.get(id(lost.receiver), ())]
    while pending:
        turn = pending.pop()
        if turn is lost.sender:
            return True
        if id(turn) not in known and read_verdict(reading.flow.output(turn)) is None:
            known.add(id(turn))
            pending.extend(arrivals.get(id(turn), ()))
    return False


def _is_joined_later(
    reading: TraceReading, lost: Handoff, arrivals: Mapping[int, Sequence[Span]]
) -> bool:
    """Whether a third agent received both outputs, as where branches are joined.

    A branch that works without the other's result needs none. A requirement is for all branches.
    """
    assert lost.receiver is not None
    if REQUIREMENT.search(lost.sent) or INABILITY.search(reading.flow.output(lost.receiver)):
        return False
    joined = {id(lost.sender), id(lost.receiver)}
    return any(joined <= {id(turn) for turn in turns} for turns in arrivals.values())


def _is_restated(reading: TraceReading, lost: Handoff) -> bool:
    """Whether the receiver has the figures of the lost text in another way; without any, its words.

    What the task states does not count: every agent has it.
    """
    assert lost.receiver is not None
    prompt = reading.flow.prompt(lost.receiver)
    figures = [one for one in lost.figures if not reading.grounding.is_given(one)]
    if figures:
        known = figures_of(prompt)
        found = sum(_states(known, figure) for figure in figures)
        own = figures_of(reading.flow.output(lost.receiver))
        return found >= MIN_RESTATED_SHARE * len(figures) or any(
            _states(own, figure) for figure in figures
        )
    sent = content_words(lost.sent) - content_words(reading.index.task)
    return len(sent & content_words(prompt)) >= MIN_RESTATED_SHARE * len(sent)


def _states(known: Sequence[Figure], figure: Figure) -> bool:
    return any(figure.covers(one.value) and figure.same_unit(one) for one in known)


def _build_finding(reading: TraceReading, lost: Sequence[Handoff]) -> Finding:
    first = lost[0]
    assert first.receiver is not None
    evidence = [
        quote(one.span, one.sent, f"nothing of this is in the prompt of {one.to_agent}")
        for one in lost
    ]
    output = quote(first.receiver, reading.flow.output(first.receiver), "it worked without it")
    return reading.build_finding(
        MODE,
        first.span,
        FIX,
        0.9 if first.figures else 0.7,
        *evidence[:6],
        output,
        agent=first.to_agent,
        starts=[one.receiver for one in lost if one.receiver is not None],
    )

"""Misrouted delegation: an agent that cannot do the work gets it, and its refusal is the result."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Evidence, Finding, quote
from instrumentation.diagnosis.reading.handoff import Handoff
from instrumentation.diagnosis.reading.lexicon import INABILITY, MISSING
from instrumentation.diagnosis.reading.span_values import as_list
from instrumentation.diagnosis.reading.texts import SENTENCE, content_words, sentence_keys
from instrumentation.diagnosis.reading.trace_reading import TraceReading

MODE = "misrouted delegation"
FIX = "Tell the agent that delegates which tools each coworker has."
MIN_RESTATED_WORDS = 2
"""So many words of a refusal are in a sentence that restates it."""
DELEGATION_FAILURES_ATTRIBUTE = "flight_recorder.routing.delegation_failures"
ROUTING_PREFIX = "flight_recorder.routing."
CALL_COUNT_SUFFIX = ".call_count"


def find_refused_delegations(reading: TraceReading) -> Iterator[Finding]:
    """Yield delegations whose receiver says that it cannot do it, if that becomes the result."""
    for handoff in reading.handoffs:
        if _is_refused(reading, handoff) and _is_accepted(reading, handoff):
            assert handoff.receiver is not None
            yield reading.build_finding(
                MODE,
                handoff.span,
                FIX,
                0.85,
                quote(handoff.span, handoff.sent, f"{handoff.to_agent} was asked for this"),
                quote(handoff.receiver, reading.flow.output(handoff.receiver), "it cannot"),
                *_unused_agents(reading),
                agent=handoff.from_agent,
                starts=[handoff.receiver],
            )


def _is_refused(reading: TraceReading, handoff: Handoff) -> bool:
    turn = handoff.receiver
    if turn is None or handoff.span.attributes.get("flight_recorder.handoff.kind") == "return":
        return False
    if reading.index.calls_of(turn):
        return False
    return INABILITY.search(reading.flow.output(turn)) is not None


def _is_accepted(reading: TraceReading, handoff: Handoff) -> bool:
    """Whether the delegating turn, which encloses the other one, has the refusal as its result.

    It repeats it, or says in its own words what is missing, if nobody called a tool afterwards.
    """
    around = (span for span in reading.index.ancestors(handoff.span) if span.type == "AGENT")
    delegating = next(around, None)
    if delegating is None or handoff.receiver is None:
        return False
    refusal, result = reading.flow.output(handoff.receiver), reading.flow.output(delegating)
    if sentence_keys(refusal) & sentence_keys(result):
        return True
    later = (turn for turn in delegating if turn.type == "AGENT" and turn is not delegating)
    if any(
        reading.index.is_before(handoff.receiver, turn) and reading.index.calls_of(turn)
        for turn in later
    ):
        return False
    words = content_words(refusal)
    return any(
        len(words & content_words(sentence)) >= MIN_RESTATED_WORDS
        for sentence in SENTENCE.findall(result)
        if MISSING.search(sentence)
    )


def _unused_agents(reading: TraceReading) -> Iterator[Evidence]:
    """The agents that the run has, but that never took a turn."""
    for root in reading.trace.roots:
        for failure in as_list(root.attributes.get(DELEGATION_FAILURES_ATTRIBUTE)):
            yield quote(root, str(failure), "routing")
        for name, count in root.attributes.items():
            if name.startswith(ROUTING_PREFIX) and name.endswith(CALL_COUNT_SUFFIX) and count == 0:
                agent = name.removeprefix(ROUTING_PREFIX).removesuffix(CALL_COUNT_SUFFIX)
                yield quote(root, agent, "this agent never had a turn")

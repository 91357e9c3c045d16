"""Conversation reset: the agents of a run start over, from the same prompts, and for nothing."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.texts import normalize
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "conversation reset"
FIX = "Send an objection to the author of the text; to start over, say in the prompts why."
INSTRUCTIONS = frozenset(("system", "developer"))
MIN_AGENTS = 2
"""One agent that repeats its turn repeats a step; it takes several agents to start over."""


def find_restarted_runs(reading: TraceReading) -> Iterator[Finding]:
    """Yield the first turn of finished work that begins again, from a prompt that has no news.

    Between the two turns other agents worked with the result of the first. A second prompt with
    anything new, such as an objection, is no reset.
    """
    first_turns: dict[tuple[str | None, str], Span] = {}
    restarted: list[tuple[Span, Span]] = []
    for turn in reading.index.turns:
        key = (turn.agent, _first_prompt(reading, turn))
        first = first_turns.setdefault(key, turn)
        if first is not turn and key[1] and not first.failed and _is_used(reading, first, turn):
            restarted.append((first, turn))
    if len({turn.agent for _, turn in restarted}) >= MIN_AGENTS:
        yield _build_finding(reading, restarted)


def _first_prompt(reading: TraceReading, turn: Span) -> str:
    """The messages with which a turn begins, without the agent's own instructions."""
    completions = reading.index.completions_of(turn)
    messages = completions[0].prompt if completions else ()
    return normalize("\n".join(one.text for one in messages if one.role not in INSTRUCTIONS))


def _is_used(reading: TraceReading, first: Span, again: Span) -> bool:
    """Whether another agent finished work with a turn's result before the turn was repeated."""
    index = reading.index
    if not index.is_before(first, again):
        return False
    return any(
        turn.agent != first.agent and index.is_before(turn, again)
        for turn in reading.flow.reached_turns(first)
    )


def _build_finding(reading: TraceReading, restarted: list[tuple[Span, Span]]) -> Finding:
    first, again = restarted[0]
    agents = ", ".join(dict.fromkeys(str(turn.agent) for _, turn in restarted))
    tokens = sum(one.tokens.total for _, turn in restarted for one in turn)
    spent = f", for {tokens} tokens" if tokens else ""
    prompt = reading.flow.prompt(again)
    return reading.find(
        MODE,
        again,
        (
            quote(
                first, reading.flow.output(first), "this was finished, and others worked with it"
            ),
            quote(again, prompt, "the same prompt once more: nothing in it says why"),
            quote(again, agents, f"these agents did all of their work again{spent}"),
        ),
        FIX,
        0.85,
    )

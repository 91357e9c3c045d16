"""Conversation reset: several agents redo finished turns, from prompts with nothing new."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.texts import normalize, sentence_keys
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "conversation reset"
FIX = "Send an objection to the author of the text; to start over, say in the prompts why."
IGNORED_ROLES = frozenset(("system", "developer"))
"""Messages of these roles are instructions, which stay the same in each turn."""
MIN_AGENTS = 2
"""One agent that repeats its turn repeats a step; it takes several agents to start over."""


def find_restarted_runs(reading: TraceReading) -> Iterator[Finding]:
    """Yield the first turn of finished work that begins again, from a prompt that has no news.

    Between the two turns other agents worked with the result of the first. A second prompt with
    anything new, such as an objection, is no reset.
    """
    turns_of_prompt: dict[tuple[str | None, str], list[Span]] = {}
    for turn in reading.index.turns:
        prompt = _first_prompt(reading, turn)
        if sentence_keys(prompt):  # "Go on." says nothing that could be news
            turns_of_prompt.setdefault((turn.agent, prompt), []).append(turn)
    restarted = [
        (first, again)
        for first, *later in turns_of_prompt.values()
        if later and not first.failed
        for again in _find_restarts(reading, first, later)
    ]
    restarted.sort(key=lambda pair: reading.index.position(pair[1]))
    if len({turn.agent for _, turn in restarted}) >= MIN_AGENTS:
        yield _build_finding(reading, restarted)


def _first_prompt(reading: TraceReading, turn: Span) -> str:
    """The messages with which a turn begins, without the agent's own instructions."""
    completions = reading.index.completions_of(turn)
    messages = completions[0].prompt if completions else ()
    return normalize("\n".join(one.text for one in messages if one.role not in IGNORED_ROLES))


def _find_restarts(reading: TraceReading, first: Span, later: list[Span]) -> Iterator[Span]:
    """Yield the repetitions of a turn before which another agent finished work with its result."""
    index = reading.index
    users = [turn for turn in reading.flow.reached_turns(first) if turn.agent != first.agent]
    for again in later:
        if index.is_before(first, again) and any(index.is_before(one, again) for one in users):
            yield again


def _build_finding(reading: TraceReading, restarted: list[tuple[Span, Span]]) -> Finding:
    first, again = restarted[0]
    agents = ", ".join(dict.fromkeys(str(turn.agent) for _, turn in restarted))
    tokens = sum(one.tokens.total for _, turn in restarted for one in turn)
    spent = f", for {tokens} tokens" if tokens else ""
    prompt = reading.flow.prompt(again)
    return reading.build_finding(
        MODE,
        again,
        FIX,
        0.85,
        quote(first, reading.flow.output(first), "this was finished, and others worked with it"),
        quote(again, prompt, "the same prompt once more: nothing in it says why"),
        quote(again, agents, f"these agents did all of their work again{spent}"),
    )

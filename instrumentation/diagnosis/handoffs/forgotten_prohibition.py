"""Context decay: a prohibition is missing from a later prompt, and a later text breaks it."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.completions import Completion
from instrumentation.diagnosis.reading.handoff import Handoff
from instrumentation.diagnosis.reading.lexicon import MISSING, PROHIBITION
from instrumentation.diagnosis.reading.texts import content_words
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "context decay"
FIX = "Give the rules to every agent that must follow them, not only to the first one."
MIN_BROKEN_SHARE = 0.3
"""The share of the words of a prohibition that a sentence must have to break it."""
SENTENCE = re.compile(r"[^\n.!?;]+(?:[.!?;](?=\s|$)|\n|$)")


def find_prohibitions_lost_between_agents(reading: TraceReading) -> Iterator[Finding]:
    """Yield lost handoffs of prohibitions, which a later agent then breaks.

    A prohibition is a sentence with a negation. A later sentence breaks it if it shares words with
    it that the task does not have, and is not negated itself.
    """
    lost = [one for one in reading.handoffs if one.is_lost]
    given = content_words(reading.index.task)
    for handoff in lost:
        assert handoff.receiver is not None
        sentences = (match.group().strip() for match in SENTENCE.finditer(handoff.sent))
        for rule in filter(MISSING.search, sentences):
            broken = _broken_by(reading, handoff.receiver, content_words(rule) - given)
            if broken is not None:
                yield _build_finding(reading, handoff, rule, broken, lost)
                return


def find_prohibitions_lost_within_turn(reading: TraceReading) -> Iterator[Finding]:
    """Yield completions without a prohibition of an earlier prompt, if their turn breaks it."""
    given = content_words(reading.index.task)
    for turn in reading.index.turns:
        completions = reading.index.completions_of(turn)
        known: dict[str, Completion] = {}
        for place, completion in enumerate(completions):
            texts = [message.text for message in completion.prompt]
            for text in known.keys() - set(texts) if known else ():
                for rule in filter(PROHIBITION.search, SENTENCE.findall(text)):
                    prohibited = content_words(rule) - given
                    if broken := _breaking_sentence(completions[place:], prohibited):
                        yield _build_dropped_rule(reading, known[text], completion, rule, broken)
                        return
            known |= {text: completion for text in texts if _forbids(text)}


@lru_cache(maxsize=65_536)
def _forbids(text: str) -> bool:
    """Whether a text has a prohibition. Most prompts repeat the texts of earlier ones."""
    return PROHIBITION.search(text) is not None


def _breaking_sentence(completions: Sequence[Completion], prohibited: frozenset[str]) -> str:
    for completion in completions:
        for sentence in SENTENCE.findall(completion.answer.text):
            shared = content_words(sentence) & prohibited
            if len(shared) >= max(2, MIN_BROKEN_SHARE * len(prohibited)):
                return "" if MISSING.search(sentence) else str(sentence).strip()
    return ""


def _build_dropped_rule(
    reading: TraceReading, had: Completion, lacks: Completion, rule: str, broken: str
) -> Finding:
    return reading.build_finding(
        MODE,
        lacks.span,
        "Keep rules in the system prompt when the history is shortened.",
        0.75,
        quote(had.span, rule, "this was in the prompt"),
        quote(lacks.span, broken, "this breaks it; the rule is no longer in the prompt"),
    )


def _broken_by(
    reading: TraceReading, receiver: Span, prohibited: frozenset[str]
) -> tuple[Span, str] | None:
    """The first turn, from the receiver's on, that breaks a rule, and the sentence that does."""
    if not prohibited:
        return None
    for turn in reading.flow.reached_turns(receiver):
        for match in SENTENCE.finditer(reading.flow.output(turn)):
            sentence = match.group().strip()
            shared = content_words(sentence) & prohibited
            if len(shared) >= MIN_BROKEN_SHARE * len(prohibited) and not MISSING.search(sentence):
                return turn, sentence
    return None


def _build_finding(
    reading: TraceReading, first: Handoff, rule: str, broken: tuple[Span, str], lost: list[Handoff]
) -> Finding:
    same = [one for one in lost if one.sent == first.sent]
    return reading.build_finding(
        MODE,
        first.span,
        FIX,
        0.8,
        *(quote(one.span, rule, f"this rule did not reach {one.to_agent}") for one in same),
        quote(broken[0], broken[1], "this breaks it"),
        agent=first.to_agent,
        starts=[one.receiver for one in same if one.receiver is not None],
    )

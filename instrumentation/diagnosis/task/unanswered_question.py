"""Clarification not asked: no one answers an agent's question, and the run's answer guesses."""

import re
from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.completions import Completion
from instrumentation.diagnosis.reading.texts import content_words, normalize, plain_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "clarification not asked"
FIX = "Let a question end the run or go to whoever can answer it; do not demand an answer instead."
QUESTION = re.compile(r"(?:[^\n?]*[.!:]\s)?[^\n?.!]*\?")
"""A question, with the sentence before it, which says what there is to choose from."""
CHOICE = re.compile(r"\b(?:which|whether|or)\b", re.I)
PASSED_ATTRIBUTE = "flight_recorder.guardrail.passed"


def find_unanswered_questions(reading: TraceReading) -> Iterator[Finding]:
    """Yield questions of choice that nobody answers, if the answer does not name the choice.

    An answer to a question shares words with it that the task does not have.
    """
    index = reading.index
    if not index.answer:
        return
    known = content_words(index.task)
    for turn in index.turns:
        for place, completion in enumerate(index.completions_of(turn)):
            later = index.completions_of(turn)[place + 1 :]
            question = _question(completion)
            choice = content_words(question) - known
            if not choice or not later or choice & content_words(index.answer):
                continue
            guardrail = _rejecting_guardrail(reading, completion)
            objection = plain_text(guardrail.outputs) if guardrail else ""
            replies = [text for text in _replies(completion, later[-1]) if text not in objection]
            if not any(choice & content_words(text) for text in replies):
                yield _build_finding(reading, completion, question, later[-1], guardrail)
                break


def _question(completion: Completion) -> str:
    """The question that a completion ends with, if it is one of choice and no tool is called."""
    text = completion.answer.text.strip()
    if completion.answer.requests or not text.endswith("?"):
        return ""
    *_, last = QUESTION.findall(text) or [""]
    return last.strip() if CHOICE.search(last) else ""


def _replies(question: Completion, last: Completion) -> Iterator[str]:
    """The messages that a turn was given after its question."""
    before = {normalize(message.text) for message in question.prompt}
    before.add(normalize(question.answer.text))
    for message in last.prompt:
        if message.role != "assistant" and normalize(message.text) not in before:
            yield message.text


def _rejecting_guardrail(reading: TraceReading, completion: Completion) -> Span | None:
    """The guardrail that comes next after a completion, if it rejected the text."""
    index = reading.index
    turn = index.turn(completion.span)
    later = (span for span in index.guardrails if index.is_before(completion.span, span))
    guardrail = next((span for span in later if index.turn(span) in (turn, None)), None)
    return guardrail if guardrail and guardrail.attributes.get(PASSED_ATTRIBUTE) is False else None


def _build_finding(
    reading: TraceReading,
    completion: Completion,
    question: str,
    last: Completion,
    guardrail: Span | None,
) -> Finding:
    dropped = quote(completion.span, question, "this was asked")
    answer = quote(last.span, last.answer.text, "this does not say which was meant")
    rejected = (
        [quote(guardrail, plain_text(guardrail.outputs), "nobody answered; this came instead")]
        if guardrail
        else []
    )
    return reading.build_finding(
        MODE,
        guardrail or completion.span,
        FIX,
        0.85 if guardrail else 0.7,
        dropped,
        *rejected,
        answer,
    )

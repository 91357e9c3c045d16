"""Misattributed figure: the cited source does not state the figure, but another source does."""

import re
from collections.abc import Iterator
from itertools import pairwise

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.completions import Completion
from instrumentation.diagnosis.reading.grounding import figures_of, states_any
from instrumentation.diagnosis.reading.texts import normalize
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.figures import Figure

MODE = "tool-output misreading"
FIX = "Check each figure against the source that is cited beside it, not against all sources."
NUMBERED_SOURCE = re.compile(r"^\s*\[(\d+)\]", re.M)
CITATION = re.compile(r"\[(\d+)\]")


def find_misattributed_figures(reading: TraceReading) -> Iterator[Finding]:
    """Yield completions of the answer that cite a numbered source for another source's figure."""
    answer = normalize(reading.index.answer)
    for completion in reading.index.completions:
        text = completion.answer.text
        if not CITATION.search(text) or normalize(text) not in answer:
            continue
        sources = _numbered_sources(completion)
        for figure, number in _cited_figures(text):
            cited = sources.get(number)
            if cited is None or states_any([figure], cited) or _states(cited, figure):
                continue
            others = {n: one for n, one in sources.items() if _states(one, figure)}
            if others:
                yield _build_finding(reading, completion, figure, (number, cited), others)
                break


def _states(source: str, figure: Figure) -> bool:
    return any(figure.covers(one.value) for one in figures_of(source))


def _numbered_sources(completion: Completion) -> dict[str, str]:
    """The texts of a prompt that begin with [1], [2] …; each extends to the next number."""
    sources: dict[str, str] = {}
    for message in completion.prompt:
        marks = [(one.start(), one[1]) for one in NUMBERED_SOURCE.finditer(message.text)]
        for (start, number), (end, _) in pairwise([*marks, (len(message.text), "")]):
            sources[number] = message.text[start:end]
    return sources


def _cited_figures(text: str) -> Iterator[tuple[Figure, str]]:
    """Each figure with the number that is cited right after it in its sentence."""
    for figure in figures_of(text):
        start = figure.sentence.find(figure.text) + len(figure.text)
        if mark := CITATION.search(figure.sentence, max(start, 0)):
            yield figure, mark[1]


def _build_finding(
    reading: TraceReading,
    completion: Completion,
    figure: Figure,
    cited: tuple[str, str],
    others: dict[str, str],
) -> Finding:
    span = completion.span
    number, (other, text) = cited[0], next(iter(others.items()))
    return reading.build_finding(
        MODE,
        span,
        FIX,
        0.9,
        quote(span, figure.sentence, f"{figure.text} is said to come from [{number}]"),
        quote(span, cited[1], f"[{number}] does not state it"),
        quote(span, text, f"[{other}] does"),
        carries=lambda output: _states(output, figure),
    )

"""Where each figure comes from: which tool result or input states it first, with unit and period.

A result that only repeats what an agent passed in is no source, nor is what an agent noted or
another agent answered.
"""

import bisect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from instrumentation.diagnosis.texts import to_json_text
from instrumentation.diagnosis.trace_index import STATE_KEY, TraceIndex
from instrumentation.figures import Figure, extract_figures
from instrumentation.figures.derivation import find_derivation
from instrumentation.figures.number_words import NUMBER_IN_WORDS
from instrumentation.figures.source_match import SupportedFigure
from instrumentation.trace.span import Span

HAS_NUMBER = re.compile(rf"\d|\b(?:{NUMBER_IN_WORDS})\b", re.I)
MAX_DERIVATION_SOURCES = 40
"""With more figures, some two of them yield any number by chance."""


@dataclass(frozen=True)
class SourcedFigure:
    """A figure that a source states."""

    figure: Figure
    span: Span


@lru_cache(maxsize=65_536)
def figures_of(text: str) -> tuple[Figure, ...]:
    """The figures of a text; texts without a number are not parsed."""
    return extract_figures(text) if HAS_NUMBER.search(text) else ()


class Grounding:
    """The figures that tools returned and that the task states, searchable by value."""

    def __init__(self, index: TraceIndex) -> None:
        self.index = index
        self.given = figures_of(index.task)
        sourced = [*self._sourced_figures()]
        self._sourced = sorted(sourced, key=lambda one: one.figure.value)
        self._values = [one.figure.value for one in self._sourced]

    def sources_of(self, figure: Figure) -> list[SourcedFigure]:
        """The tool results that state a figure's value, whatever its unit and period."""
        found = self._between(figure.low, figure.high)
        if figure.value > 0:  # "fell by 3.2 %" may state -3.2
            found += self._between(-figure.high, -figure.low)
        return sorted(found, key=lambda one: self.index.position(one.span))

    def is_given(self, figure: Figure) -> bool:
        """Whether the task states the figure."""
        return any(figure.covers(one.value) or one.covers(figure.value) for one in self.given)

    def is_derived(self, figure: Figure, beside: Sequence[Figure]) -> bool:
        """Whether a figure can be calculated from what tools returned, as its sentence says.

        Args:
            figure: The figure.
            beside: The other figures of its text, which may be operands.
        """
        known = [*self.given, *(one.figure for one in self._sourced)]
        known = [one for one in known if one is not figure]
        if len(known) > MAX_DERIVATION_SOURCES:
            near = {source.figure for one in beside for source in self.sources_of(one)}
            known = list(near)[:MAX_DERIVATION_SOURCES]
        cited = [
            SupportedFigure(one, tuple(source.figure for source in self.sources_of(one)))
            for one in beside
            if one is not figure
        ]
        return find_derivation(figure, [one for one in cited if one.sources], known) is not None

    def _between(self, low: Decimal, high: Decimal) -> list[SourcedFigure]:
        start = bisect.bisect_left(self._values, low)
        return self._sourced[start : bisect.bisect_right(self._values, high)]

    def _sourced_figures(self) -> Iterator[SourcedFigure]:
        for call in iter_sources(self.index):
            given = to_json_text(call.inputs)
            for figure in figures_of(to_json_text(call.outputs)):
                if figure.text not in given:
                    yield SourcedFigure(figure, call)


def iter_sources(index: TraceIndex) -> Iterator[Span]:
    """Yield the tool calls that bring something new: no note, no recall and no other agent."""
    for call in index.tool_calls:
        if not any(STATE_KEY in inner.attributes or inner.type == "AGENT" for inner in call):
            yield call


def repeats(figures: Iterable[Figure], text: str) -> bool:
    """Whether a text states one of the figures, perhaps rounded."""
    stated = figures_of(text)
    return any(one.covers(figure.value) for figure in figures for one in stated)

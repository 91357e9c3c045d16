"""Find the sources of a figure: tool results that state its value, the task, or a calculation.

A result that only repeats what an agent passed in is no source, nor is what an agent noted or
another agent answered.
"""

import bisect
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from instrumentation.diagnosis.reading.texts import to_json_text
from instrumentation.diagnosis.reading.trace_index import STATE_KEY_ATTRIBUTE, TraceIndex
from instrumentation.figures import Figure, extract_figures
from instrumentation.figures.derivation import find_derivation
from instrumentation.figures.figure import SupportedFigure
from instrumentation.figures.prose_figures import NUMBER_IN_WORDS
from instrumentation.trace.span import Span

NUMBER = re.compile(r"\d[\d.,'\u00a0\u202f]*")
LOG_TOLERANCE = 1e-9
"""Two logarithms that differ by less are those of one number."""


class DigitIndex:
    """Texts by the digits of the numbers in them."""

    def __init__(self, texts: Iterable[str]) -> None:
        keys = [(key, place) for place, text in enumerate(texts) for key in set(_digit_keys(text))]
        keys.sort()
        self._keys = [key for key, _ in keys]
        self._places = [place for _, place in keys]

    def find_candidates(self, low: Decimal, high: Decimal) -> list[int]:
        """The places of the texts that may state a value from low to high, in order."""
        contains_zero = low <= 0 <= high
        low, high = sorted((abs(low), abs(high)))
        if contains_zero or high >= 10 * low:
            return sorted(set(self._places))
        start, end = _digit_key(float(low)), _digit_key(float(high))
        if start <= end:
            found = self._between(start, end)
        else:  # from 9.5 to 10.5
            found = self._between(start, 1.0) | self._between(0.0, end)
        return sorted(found)

    def _between(self, low: float, high: float) -> set[int]:
        first = bisect.bisect_left(self._keys, low - LOG_TOLERANCE)
        return set(self._places[first : bisect.bisect_right(self._keys, high + LOG_TOLERANCE)])


def _digit_keys(text: str) -> Iterator[float]:
    """A key per number; two for a number with commas or dots that may be decimal or not."""
    for match in NUMBER.finditer(text):
        digits = match.group().strip(".,'\u00a0\u202f")
        significant = re.sub(r"\D", "", digits).lstrip("0")
        if significant:
            yield _digit_key(float(f"0.{significant}"))
        else:
            yield 0.0


def _digit_key(value: float) -> float:
    """The fraction of the logarithm of a value, which is the same for 41, 4.1 and 0.041."""
    return math.log10(value) % 1.0 if value else 0.0


HAS_NUMBER = re.compile(rf"\d|\b(?:{NUMBER_IN_WORDS})\b", re.I)
HAS_DIGIT = re.compile(r"\d")
MAX_DERIVATION_SOURCES = 40
"""With more figures, some pair of them nearly always yields a wanted number by chance."""


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
        self._calls = tuple(iter_sources(index))
        self._results = [to_json_text(call.outputs) for call in self._calls]
        self._numbers = DigitIndex(self._results)
        self._in_words = [
            place for place, text in enumerate(self._results) if not HAS_DIGIT.search(text)
        ]
        self._sourced_by_place: dict[int, tuple[SourcedFigure, ...]] = {}

    def sources_of(self, figure: Figure) -> list[SourcedFigure]:
        """The tool results that state a figure's value, whatever its unit and period.

        "Fell by 3.2 %" may state -3.2.
        """
        places = {*self._numbers.find_candidates(figure.low, figure.high), *self._in_words}
        found = (source for place in sorted(places) for source in self._sourced(place))
        return [
            one
            for one in found
            if figure.covers(one.figure.value)
            or (figure.value > 0 and figure.covers(-one.figure.value))
        ]

    def is_given(self, figure: Figure) -> bool:
        """Whether the task states the figure."""
        return any(figure.covers(one.value) or one.covers(figure.value) for one in self.given)

    def is_derived(self, figure: Figure, beside: Sequence[Figure]) -> bool:
        """Whether a figure can be calculated from what tools returned, as its sentence says.

        The figures `beside` it in its text may be operands.
        """
        cited = [
            SupportedFigure(one, tuple(source.figure for source in self.sources_of(one)) or (one,))
            for one in beside
            if one is not figure
        ]
        known = list(self.given)
        if len(self._calls) <= MAX_DERIVATION_SOURCES:
            places = range(len(self._calls))
            known += [source.figure for place in places for source in self._sourced(place)]
        else:
            known += [source for one in cited for source in one.sources]
        known = known[:MAX_DERIVATION_SOURCES]
        return find_derivation(figure, [one for one in cited if one.sources], known) is not None

    def _sourced(self, place: int) -> tuple[SourcedFigure, ...]:
        """The figures of a tool result, without those that were passed in."""
        if place not in self._sourced_by_place:
            call = self._calls[place]
            given = to_json_text(call.inputs)
            self._sourced_by_place[place] = tuple(
                SourcedFigure(figure, call)
                for figure in figures_of(self._results[place])
                if figure.text not in given
            )
        return self._sourced_by_place[place]


def iter_sources(index: TraceIndex) -> Iterator[Span]:
    """Yield the tool calls that bring something new: no note, no recall and no other agent."""
    for call in index.tool_calls:
        if not any(
            STATE_KEY_ATTRIBUTE in inner.attributes or inner.type == "AGENT" for inner in call
        ):
            yield call


def states_any(figures: Iterable[Figure], text: str) -> bool:
    """Whether a text states one of the figures, perhaps rounded."""
    stated = figures_of(text)
    return any(one.covers(figure.value) for figure in figures for one in stated)

"""A derived figure: one that no source states, but that follows from two that sources do.

Any number is the difference of some two others. So a figure is taken for derived only where its own
sentence says what was done ("annualised", "higher by"), where the units allow it, and where the
report states one of the two itself; an annualised rate may stand alone.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations

from instrumentation.figures.figure import Figure
from instrumentation.figures.source_match import SupportedFigure
from instrumentation.figures.units import PERIOD_MONTHS

OPERATION_WORDS = {
    "annualised rate": r"annuali[sz]\w+|annual rate|compound\w*",
    "sum": r"sum|total\w*|combined|together|altogether",
    "mean": r"mean|averag\w+",
    "difference": r"differen\w+|gap|spread|apart|by|(?:more|less|higher|lower|larger|smaller|"
    r"faster|slower) than|above|below|up|down|higher|lower|rose|fell|gained|lost",
    "change": r"change\w*|rose|risen|rise|fell|fallen|fall|grew|grown|growth|up|down|gained|lost|"
    r"(?:in|de)creas\w+|declin\w+|dropped|higher|lower|larger|smaller",
    "ratio": r"times|×|ratio|fold",
    "share": r"share|proportion|of|ratio",
}
"""What a sentence must say for a figure in it to be taken for one of these."""

DerivedValue = tuple[Decimal, str | None]
"""A value that follows, and its unit."""


def find_derivation(
    figure: Figure, cited: Sequence[SupportedFigure], sources: Sequence[Figure]
) -> SupportedFigure | None:
    """How the figure follows from the sources, as its sentence says; None if it does not.

    `cited` are the figures of the report that a source states. Its reader may have calculated with
    them as rounded, and so they serve as operands too.
    """
    used = dict.fromkeys(source for one in cited for source in one.sources)
    quoted = tuple(one.figure for one in cited)
    pairs: list[tuple[Figure, ...]] = [
        pair for pair in combinations(dict.fromkeys(sources), 2) if used.keys() & set(pair)
    ]
    pairs += combinations(dict.fromkeys(quoted), 2)
    whole = [
        alike for unit in {one.unit for one in used} if len(alike := _with_unit(unit, used)) > 2
    ]
    for how, words in OPERATION_WORDS.items():
        if not re.search(rf"(?<!\w)(?:{words})(?!\w)", figure.sentence, re.I):
            continue
        candidates = [(one,) for one in sources] if how == "annualised rate" else pairs + whole
        for operands in candidates:
            if _can_be_combined(operands) and any(
                _matches(figure, how, one) for one in _derived_values(how, operands)
            ):
                return SupportedFigure(figure, operands, how)
    return None


def _with_unit(unit: str | None, figures: Iterable[Figure]) -> tuple[Figure, ...]:
    return tuple(one for one in figures if one.unit == unit)


def _can_be_combined(operands: Sequence[Figure]) -> bool:
    """Whether they can be calculated with: one unit, one period, no zero."""
    first = operands[0]
    return all(
        one.unit == first.unit and one.period == first.period and one.value for one in operands
    )


def _matches(figure: Figure, how: str, result: DerivedValue) -> bool:
    value, unit = result
    if figure.unit not in (None, unit):
        return False
    if how == "annualised rate":
        return figure.period in (None, "year") and figure.covers(value)
    return figure.covers(value) or (how in ("difference", "change") and figure.covers(-value))


def _derived_values(how: str, operands: Sequence[Figure]) -> Iterator[DerivedValue]:
    """What comes of the operands, one way or another."""
    unit, values = operands[0].unit, [one.value for one in operands]
    if how == "annualised rate":
        yield from _annualised_rates(operands[0])
    elif how == "sum":
        yield sum(values, Decimal(0)), unit
    elif how == "mean":
        yield sum(values, Decimal(0)) / len(values), unit
    elif len(values) == 2:
        a, b = values
        if how == "difference":
            yield a - b, "pp" if unit == "%" else unit
        if how == "ratio":
            yield from ((a / b, "times"), (b / a, "times"))
        if how == "share" and unit != "%":
            yield min(a / b, b / a) * 100, "%"
        if how == "change" and unit not in ("%", "pp"):
            yield from (((a - b) / b * 100, "%"), ((b - a) / a * 100, "%"))


def _annualised_rates(rate: Figure) -> Iterator[DerivedValue]:
    """A rate per quarter or month, times their number in a year; a growth rate also compounded."""
    if rate.period not in ("quarter", "month"):
        return
    times = PERIOD_MONTHS["year"] // PERIOD_MONTHS[rate.period]
    yield rate.value * times, rate.unit
    if rate.unit in ("%", None) and abs(rate.value) < 100:
        yield ((1 + rate.value / 100) ** times - 1) * 100, rate.unit

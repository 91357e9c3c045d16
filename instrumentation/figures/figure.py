"""A figure: a number that states something, with its unit, its period, and how exactly it is meant.

A report rounds: "4.9" stands for whatever lies between 4.85 and 4.95, "over 4" for 4 to 5. So a
figure keeps the interval of values that it may stand for, and agrees with any figure within it.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from instrumentation.figures.units import PERIOD_MONTHS

APPROXIMATE_SHARE = Decimal("0.05")
"""How far "about 1,200" may be from the truth at most, as a share of itself."""

RELATIVE_YEAR = re.compile(
    r"years? (?:before|earlier|ago|later|after)|"
    r"(?:previous|prior|preceding|last|following|next) year",
    re.I,
)
"""Words for a year that is not named."""


@dataclass(frozen=True)
class Figure:
    """A number as it was written (`text`), and as it is meant.

    `value` is scaled ("1.2 thousand" is 1200), `unit` and `period` ("year", "quarter", "month") are
    None where nothing tells. `low` to `high` is what the value may stand for. `dated`: only a date
    tells the period ("in 2023"). `sentence` is where it was found. `year` is that of its date.
    """

    text: str
    value: Decimal
    unit: str | None = None
    period: str | None = None
    low: Decimal = field(default=Decimal(0), repr=False)
    high: Decimal = field(default=Decimal(0), repr=False)
    is_period_from_date: bool = field(default=False, repr=False)
    sentence: str = field(default="", repr=False)
    year: str | None = field(default=None, repr=False)

    def covers(self, value: Decimal) -> bool:
        """Whether the value, rounded as this figure is, is this figure."""
        return self.low <= value <= self.high

    def same_unit(self, other: "Figure") -> bool:
        """Whether the units agree, or one is not told; USD may be USD/barrels."""
        if self.unit is None or other.unit is None or self.unit == other.unit:
            return True
        (own, _, of), (its, _, its_of) = self.unit.partition("/"), other.unit.partition("/")
        return own == its and not (of and its_of)

    def same_year(self, other: "Figure") -> bool:
        """Whether the years agree, or one is not told, or either's sentence tells of both."""
        if self.year is None or other.year is None or self.year == other.year:
            return True
        if RELATIVE_YEAR.search(self.sentence) or RELATIVE_YEAR.search(other.sentence):
            return True
        return other.year in self.sentence or self.year in other.sentence

    def same_period(self, source: "Figure") -> bool:
        """Whether the periods agree, or one is not told.

        A date may be shorter than the period: "in 2023Q4" says when, of a rate per year too.
        """
        if self.period is None or source.period is None or self.period == source.period:
            return True
        return (
            self.is_period_from_date and PERIOD_MONTHS[self.period] < PERIOD_MONTHS[source.period]
        )


def value_interval(value: Decimal, step: Decimal, hedge: str) -> tuple[Decimal, Decimal]:
    """What a value may stand for that was written in whole `step`s.

    `hedge` is "over", "under", "about", "exact" or "": of "over 4" the truth is above, within one
    step. Zero that was written without decimals stands for nothing else.
    """
    if hedge == "exact" or (value == 0 and step >= 1):
        return value, value
    if hedge == "over":
        return value, value + step
    if hedge == "under":
        return value - step, value
    half = step / 2
    if hedge == "about":
        half = max(
            half, min(_last_significant_place(value), abs(value) * APPROXIMATE_SHARE * 2) / 2
        )
    return value - half, value + half


def _last_significant_place(value: Decimal) -> Decimal:
    """The place of the last digit that is not zero: 100 for 1200."""
    exponent = value.normalize().as_tuple().exponent
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(0)

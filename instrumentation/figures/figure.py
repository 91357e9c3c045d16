"""A figure: a number in a text, with its unit, its period, and the interval of values it covers.

A report rounds: "4.9" covers the values from 4.85 to 4.95, "over 4" those from 4 to 5. A figure
agrees with any other figure in its interval.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from instrumentation.figures.units import PERIOD_MONTHS

APPROXIMATE_SHARE = Decimal("0.05")
"""How far the true value may be from "about 1,200", as a share of it."""

RELATIVE_YEAR = re.compile(
    r"years? (?:before|earlier|ago|later|after)|"
    r"(?:previous|prior|preceding|last|following|next) year",
    re.I,
)
"""Words for a year relative to another one."""


@dataclass(frozen=True)
class Figure:
    """A number in a text.

    Attributes:
        text: The number as written, with its unit.
        value: The value with its scale: "1.2 thousand" is 1200.
        unit: One of `UNIT_SPELLINGS`, possibly per another unit ("EUR/kWh"); None if unknown.
        period: "year", "quarter" or "month"; None if unknown.
        low, high: The smallest and the largest value that the figure covers.
        is_period_from_date: The period is known only from a date ("in 2023").
        sentence: The sentence that contains the figure.
        year: The year of its date; None if there is none.
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
        """Return whether the value equals this figure when it is rounded in the same way."""
        return self.low <= value <= self.high

    def same_unit(self, other: "Figure") -> bool:
        """Return whether the units agree or one is unknown. USD agrees with USD/barrels."""
        if self.unit is None or other.unit is None or self.unit == other.unit:
            return True
        unit, _, per = self.unit.partition("/")
        other_unit, _, other_per = other.unit.partition("/")
        return unit == other_unit and not (per and other_per)

    def same_year(self, other: "Figure") -> bool:
        """Return whether the years agree, one is unknown, or a sentence mentions both years."""
        if self.year is None or other.year is None or self.year == other.year:
            return True
        if RELATIVE_YEAR.search(self.sentence) or RELATIVE_YEAR.search(other.sentence):
            return True
        return other.year in self.sentence or self.year in other.sentence

    def same_period(self, source: "Figure") -> bool:
        """Return whether the periods agree or one is unknown.

        A date may be shorter than the period: a rate per year may be stated "in 2023Q4", too.
        """
        if self.period is None or source.period is None or self.period == source.period:
            return True
        return (
            self.is_period_from_date and PERIOD_MONTHS[self.period] < PERIOD_MONTHS[source.period]
        )


def build_figure(
    text: str,
    number: Decimal,
    factor: Decimal,
    unit: str | None,
    period_info: tuple[str | None, bool, str | None],
    *,
    hedge: str = "",
    sentence: str = "",
) -> Figure:
    """Build a figure from a number as it is written, its scale and its unit.

    Basis points become percentage points.

    Args:
        text: The number as written, with its unit.
        number: The number without its scale; finite.
        factor: The factor of its scale.
        period_info: Its period, whether that is known only from a date, and the year of the date.
        hedge: "over", "under", "about" or "".
    """
    if unit is not None and unit.partition("/")[0] == "bp":
        unit, factor = f"pp{unit.removeprefix('bp')}", factor / 100
    value = number * factor
    step = Decimal(1).scaleb(int(number.as_tuple().exponent)) * factor
    low, high = value_interval(value, step, hedge)
    period, is_period_from_date, year = period_info
    return Figure(text, value, unit, period, low, high, is_period_from_date, sentence, year)


def value_interval(value: Decimal, step: Decimal, hedge: str) -> tuple[Decimal, Decimal]:
    """Return the lowest and the highest value that a written number covers.

    Args:
        step: The place value of its last digit.
        hedge: "over", "under", "about", "exact" or "". "Over 4" covers one step above 4. A zero
            without decimals is always exact.
    """
    if hedge == "exact" or (value == 0 and step >= 1):
        return value, value
    if hedge == "over":
        return value, value + step
    if hedge == "under":
        return value - step, value
    half = step / 2
    if hedge == "about":
        tolerance = min(_last_significant_place(value) / 2, abs(value) * APPROXIMATE_SHARE)
        half = max(half, tolerance)
    return value - half, value + half


def _last_significant_place(value: Decimal) -> Decimal:
    """The place value of the last digit that is not zero: 100 for 1200."""
    exponent = value.normalize().as_tuple().exponent
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(0)


@dataclass(frozen=True)
class SupportedFigure:
    """A figure of a report, and the figures of the sources that support it.

    `derivation` is "stated", or the calculation, such as "sum".
    """

    figure: Figure
    sources: tuple[Figure, ...]
    derivation: str = "stated"


@dataclass(frozen=True)
class UnsupportedFigure:
    """A figure of a report that no source supports, and the reason."""

    figure: Figure
    reason: str

    def __str__(self) -> str:
        return f"{self.figure.text}: {self.reason}"

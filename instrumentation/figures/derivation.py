"""Find how a report's figure can be calculated from its sources' figures: sum, product, change.

With many source figures, some pair of them nearly always yields the wanted number by chance. So a
figure counts as derived only if its own sentence names the calculation ("annualized", "higher by"),
if the units allow it, and if the report itself states one of the operands. An annualized rate needs
no stated operand. A product is recognised by its sentence, which states both factors ("three
nights at 124 EUR are 372 EUR"), and another unit ("2.3 s" of 2300 ms) by its value.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import combinations

from instrumentation.figures.figure import Figure, SupportedFigure
from instrumentation.figures.prose_figures import NUMBER_WORD, WORD_VALUES
from instrumentation.figures.units import PERIOD_MONTHS

OPERATION_WORDS = {
    "annualised rate": r"annuali[sz]\w+|annual rate|compound\w*",
    "sum": r"sum|total\w*|combined|together|altogether|in all|adds? up|comes? to",
    "mean": r"mean|averag\w+",
    "difference": r"differen\w+|gap|spread|apart|by|(?:more|less|higher|lower|larger|smaller|"
    r"faster|slower) than|above|below|up|down|higher|lower|rose|fell|gained|lost",
    "change": r"change\w*|rose|risen|rise|fell|fallen|fall|grew|grown|growth|up|down|gained|lost|"
    r"(?:in|de)creas\w+|declin\w+|dropped|higher|lower|larger|smaller",
    "ratio": r"times|×|ratio|fold",
    "share": r"share|proportion|of|ratio",
}
"""Words of which a sentence must contain one for each kind of calculation."""

COUNT = re.compile(
    rf"(?<![\w.,])(?:(?P<digits>\d{{1,3}})(?![\w]|[.,]\d)|(?:{NUMBER_WORD})(?!\w))", re.I
)
"""A small number in a sentence, which may be a factor."""
UNIT_FACTORS = {("s", "ms"): 1000, ("t", "kg"): 1000, ("MWh", "kWh"): 1000, ("GW", "MW"): 1000}
"""How many of the second unit make one of the first."""

DerivedValue = tuple[Decimal, str | None]
"""A calculated value, and its unit."""


def find_derivation(
    figure: Figure, cited: Sequence[SupportedFigure], sources: Sequence[Figure]
) -> SupportedFigure | None:
    """Find the calculation that produces a figure, as its sentence says, or return None.

    Args:
        cited: Other figures of the report that a source states. They are operands as well, because
            a reader may calculate with the rounded values.
    """
    used = dict.fromkeys(source for supported in cited for source in supported.sources)
    quoted = dict.fromkeys(supported.figure for supported in cited)
    if factor := next((one for one in quoted if _is_multiple(figure, one)), None):
        return SupportedFigure(figure, (factor,), "product")
    if converted := next((one for one in sources if _is_converted(figure, one)), None):
        return SupportedFigure(figure, (converted,), "conversion")
    operand_sets: list[tuple[Figure, ...]] = [
        pair for pair in combinations(dict.fromkeys(sources), 2) if used.keys() & set(pair)
    ]
    operand_sets += combinations(quoted, 2)
    units = {source.unit for source in used}
    by_unit = (tuple(source for source in used if source.unit == unit) for unit in units)
    operand_sets += (group for group in by_unit if len(group) > 2)
    for operation, words in OPERATION_WORDS.items():
        if not re.search(rf"(?<!\w)(?:{words})(?!\w)", figure.sentence, re.I):
            continue
        is_annualized = operation == "annualised rate"
        for operands in [(source,) for source in sources] if is_annualized else operand_sets:
            values = _derived_values(operation, operands) if _can_be_combined(operands) else ()
            if any(_matches(figure, operation, value) for value in values):
                return SupportedFigure(figure, operands, operation)
    return None


def _is_multiple(figure: Figure, factor: Figure) -> bool:
    """Whether a figure is another one of its sentence, times a count that the sentence states."""
    if factor.sentence != figure.sentence or figure.unit not in (None, factor.unit):
        return False
    counts = (
        Decimal(match["digits"]) if match["digits"] else WORD_VALUES[match.group().lower()]
        for match in COUNT.finditer(figure.sentence)
    )
    return any(count > 1 and figure.covers(count * factor.value) for count in counts)


def _is_converted(figure: Figure, source: Figure) -> bool:
    """Whether a figure is the source's in a larger or a smaller unit."""
    larger = UNIT_FACTORS.get((figure.unit or "", source.unit or ""))
    smaller = UNIT_FACTORS.get((source.unit or "", figure.unit or ""))
    if larger:
        return figure.covers(source.value / larger)
    return smaller is not None and figure.covers(source.value * smaller)


def _can_be_combined(operands: Sequence[Figure]) -> bool:
    """Return whether all operands have one unit and one period, and none is zero."""
    first = operands[0]
    return all(
        operand.unit == first.unit and operand.period == first.period and operand.value
        for operand in operands
    )


def _matches(figure: Figure, operation: str, derived: DerivedValue) -> bool:
    value, unit = derived
    if figure.unit not in (None, unit):
        return False
    if operation == "annualised rate":
        return figure.period in (None, "year") and figure.covers(value)
    is_signed = operation in ("difference", "change")
    return figure.covers(value) or (is_signed and figure.covers(-value))


def _derived_values(operation: str, operands: Sequence[Figure]) -> Iterator[DerivedValue]:
    """The possible results of a calculation."""
    unit, values = operands[0].unit, [operand.value for operand in operands]
    if operation == "annualised rate":
        yield from _annualized_rates(operands[0])
    elif operation == "sum":
        yield sum(values, Decimal(0)), unit
    elif operation == "mean":
        yield sum(values, Decimal(0)) / len(values), unit
    elif len(values) == 2:
        a, b = values
        if operation == "difference":
            yield a - b, "pp" if unit == "%" else unit
        if operation == "ratio":
            yield from ((a / b, "times"), (b / a, "times"))
        if operation == "share" and unit != "%":
            yield min(a / b, b / a) * 100, "%"
        if operation == "change" and unit not in ("%", "pp"):
            yield from (((a - b) / b * 100, "%"), ((b - a) / a * 100, "%"))


def _annualized_rates(rate: Figure) -> Iterator[DerivedValue]:
    """A rate per quarter or month, multiplied to a year; a growth rate also compounded."""
    if rate.period not in ("quarter", "month"):
        return
    periods = PERIOD_MONTHS["year"] // PERIOD_MONTHS[rate.period]
    yield rate.value * periods, rate.unit
    if rate.unit in ("%", None) and abs(rate.value) < 100:
        yield ((1 + rate.value / 100) ** periods - 1) * 100, rate.unit

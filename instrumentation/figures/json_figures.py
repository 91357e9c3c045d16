"""A record: a JSON object that tells a figure's unit and period in fields beside its value."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from instrumentation.figures.figure import Figure, interval
from instrumentation.figures.periods import period_of
from instrumentation.figures.prose_figures import in_prose
from instrumentation.figures.units import SCALES, UNITS, YEAR, alternatives, each, named, scaled_by

BOOKKEEPING = re.compile(
    r"pages?|per_?page|(?:.*_)?id|sourceid|decimals?|version|status|code|limit|offset|rank|port|"
    r"lastupdated|.*_at|timestamp|attempts?",
    re.I,
)
"""Fields whose numbers state nothing about the world."""
DATES = ("period", "date", "quarter", "month", "year")
FREQUENCIES = ("frequency", "freq", "periodicity")
TITLES = ("indicator", "name", "series", "title", "label")
BESIDE = (*DATES, *FREQUENCIES, "unit", "source")
"""Fields that say what a figure is, and are none."""
UNIT = re.compile(rf"(?<![A-Za-z])(?:{alternatives(UNITS)})", re.I)
SCALE = re.compile(rf"(?<![A-Za-z])(?:{alternatives(SCALES)})", re.I)
LARGEST = 30
"""The largest power of ten in a figure: beyond it, arithmetic may overflow."""


def in_json(found: Any, key: str = "") -> Iterator[Figure]:
    """The figures in what `json.loads` gave with `Decimal` for numbers, in order."""
    match found:
        case Mapping():
            yield from _in_record(found)
        case list():
            for inner in found:
                yield from in_json(inner, key)
        case str():
            yield from in_prose(found)
        case Decimal():
            yield from _figure(found, {}, key)


def _in_record(record: Mapping[str, Any]) -> Iterator[Figure]:
    """Each number, named by its key, and a `value` that is sent as a text."""
    paging = "page" in record
    for key, found in record.items():
        if key in BESIDE or BOOKKEEPING.fullmatch(key):
            continue
        number = _number(found) if key == "value" else found
        if not isinstance(number, Decimal):
            yield from in_json(found, key)
        elif not paging:
            yield from _figure(number, record, key)


def _figure(number: Decimal, record: Mapping[str, Any], key: str) -> Iterator[Figure]:
    if not number.is_finite() or abs(number.adjusted()) > LARGEST:
        return
    title = " ".join(_title(record.get(name)) for name in TITLES)
    unit = _title(record.get("unit")) if key == "value" or "value" not in record else ""
    own = f"{key} {unit}".replace("_", " ")
    found = UNIT.search(own) or UNIT.search(title)
    counted = named(UNITS, found.group()) if found else None
    scale = SCALE.search(own)
    factor = scaled_by(scale.group()) if scale else Decimal(1)
    if counted == "bp":
        counted, factor = "pp", factor / 100
    if counted and found:
        counted += each(found.string, found.end())
    period, dated = _period(record, own, title)
    dates = " ".join(_title(record.get(name)) for name in DATES)
    years = set(re.findall(rf"(?<!\d){YEAR}(?!\d)", dates))
    year = years.pop() if len(years) == 1 else None
    value = number * factor
    low, high = interval(value, Decimal(1).scaleb(_last_place(number)) * factor, "")
    yield Figure(str(number), value, counted, period, low, high, dated, year=year)


def _period(record: Mapping[str, Any], *words: str) -> tuple[str | None, bool]:
    """A frequency tells the period, else the unit, the title; else the shape of the date."""
    frequency = " ".join(_title(record.get(name)) for name in FREQUENCIES)
    for text in (frequency, *words):
        if (period := period_of(text)) is not None:
            return period, False
    dates = (period_of(_title(record.get(name))) for name in DATES)
    period = next((period for period in dates if period), None)
    return period, period is not None


def _last_place(number: Decimal) -> int:
    """The power of ten of the last digit that was written."""
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _title(found: Any) -> str:
    """A text, or the text in an object such as {"id": "FP.CPI.TOTL.ZG", "value": "Inflation"}."""
    if isinstance(found, Mapping):
        found = found.get("value")
    return "" if found is None else str(found)


def _number(found: Any) -> Decimal | None:
    """A number, also where it is sent as a text."""
    if isinstance(found, Decimal):
        return found
    try:
        return Decimal(found) if isinstance(found, str) else None
    except InvalidOperation:
        return None

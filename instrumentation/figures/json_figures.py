"""A record: a JSON object that tells a figure's unit and period in fields beside its value."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from instrumentation.figures.figure import Figure, value_interval
from instrumentation.figures.periods import detect_period
from instrumentation.figures.prose_figures import figures_in_prose
from instrumentation.figures.units import (
    SCALE_SPELLINGS,
    UNIT_SPELLINGS,
    YEAR_PATTERN,
    find_spelling,
    per_unit_suffix,
    scale_factor,
    spelling_regex,
)

METADATA_FIELDS = re.compile(
    r"pages?|per_?page|(?:.*_)?id|sourceid|decimals?|version|status|code|limit|offset|rank|port|"
    r"lastupdated|.*_at|timestamp|attempts?",
    re.I,
)
"""Fields whose numbers state nothing about the world."""
DATE_FIELDS = ("period", "date", "quarter", "month", "year")
FREQUENCY_FIELDS = ("frequency", "freq", "periodicity")
TITLE_FIELDS = ("indicator", "name", "series", "title", "label")
DESCRIPTIVE_FIELDS = (*DATE_FIELDS, *FREQUENCY_FIELDS, "unit", "source")
"""Fields that say what a figure is, and are none."""
UNIT_PATTERN = re.compile(rf"(?<![A-Za-z])(?:{spelling_regex(UNIT_SPELLINGS)})", re.I)
SCALE_PATTERN = re.compile(rf"(?<![A-Za-z])(?:{spelling_regex(SCALE_SPELLINGS)})", re.I)
MAX_EXPONENT = 30
"""The largest power of ten in a figure: beyond it, arithmetic may overflow."""


def figures_in_json(found: Any, key: str = "") -> Iterator[Figure]:
    """The figures in what `json.loads` gave with `Decimal` for numbers, in order."""
    match found:
        case Mapping():
            yield from _figures_in_record(found)
        case list():
            for inner in found:
                yield from figures_in_json(inner, key)
        case str():
            yield from figures_in_prose(found)
        case Decimal():
            yield from _build_figure(found, {}, key)


def _figures_in_record(record: Mapping[str, Any]) -> Iterator[Figure]:
    """Each number, named by its key, and a `value` that is sent as a text."""
    paging = "page" in record
    for key, found in record.items():
        if key in DESCRIPTIVE_FIELDS or METADATA_FIELDS.fullmatch(key):
            continue
        number = _parse_number(found) if key == "value" else found
        if not isinstance(number, Decimal):
            yield from figures_in_json(found, key)
        elif not paging:
            yield from _build_figure(number, record, key)


def _build_figure(number: Decimal, record: Mapping[str, Any], key: str) -> Iterator[Figure]:
    if not number.is_finite() or abs(number.adjusted()) > MAX_EXPONENT:
        return
    title = " ".join(_field_text(record.get(name)) for name in TITLE_FIELDS)
    unit = _field_text(record.get("unit")) if key == "value" or "value" not in record else ""
    own = f"{key} {unit}".replace("_", " ")
    found = UNIT_PATTERN.search(own) or UNIT_PATTERN.search(title)
    counted = find_spelling(UNIT_SPELLINGS, found.group()) if found else None
    scale = SCALE_PATTERN.search(own)
    factor = scale_factor(scale.group()) if scale else Decimal(1)
    if counted == "bp":
        counted, factor = "pp", factor / 100
    if counted and found:
        counted += per_unit_suffix(found.string, found.end())
    period, dated = _record_period(record, own, title)
    dates = " ".join(_field_text(record.get(name)) for name in DATE_FIELDS)
    years = set(re.findall(rf"(?<!\d){YEAR_PATTERN}(?!\d)", dates))
    year = years.pop() if len(years) == 1 else None
    value = number * factor
    low, high = value_interval(value, Decimal(1).scaleb(_last_place(number)) * factor, "")
    yield Figure(str(number), value, counted, period, low, high, dated, year=year)


def _record_period(record: Mapping[str, Any], *words: str) -> tuple[str | None, bool]:
    """A frequency tells the period, else the unit, the title; else the shape of the date."""
    frequency = " ".join(_field_text(record.get(name)) for name in FREQUENCY_FIELDS)
    for text in (frequency, *words):
        if (period := detect_period(text)) is not None:
            return period, False
    dates = (detect_period(_field_text(record.get(name))) for name in DATE_FIELDS)
    period = next((period for period in dates if period), None)
    return period, period is not None


def _last_place(number: Decimal) -> int:
    """The power of ten of the last digit that was written."""
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _field_text(found: Any) -> str:
    """A text, or the text in an object such as {"id": "FP.CPI.TOTL.ZG", "value": "Inflation"}."""
    if isinstance(found, Mapping):
        found = found.get("value")
    return "" if found is None else str(found)


def _parse_number(found: Any) -> Decimal | None:
    """A number, also where it is sent as a text."""
    if isinstance(found, Decimal):
        return found
    try:
        return Decimal(found) if isinstance(found, str) else None
    except InvalidOperation:
        return None

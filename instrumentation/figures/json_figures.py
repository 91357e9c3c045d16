"""Extract figures from JSON, whose objects state unit and period in fields beside the value."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from instrumentation.figures.figure import Figure, build_figure
from instrumentation.figures.periods import detect_period
from instrumentation.figures.prose_figures import figures_in_prose
from instrumentation.figures.units import (
    SCALE_SPELLINGS,
    UNIT_SPELLINGS,
    YEAR_PATTERN,
    find_unit,
    per_unit_suffix,
    scale_factor,
    spelling_regex,
)

METADATA_FIELDS = re.compile(
    r"pages?|per_?page|(?:.*_)?id|sourceid|decimals?|version|status|code|limit|offset|rank|port|"
    r"lastupdated|.*_at|timestamp|attempts?",
    re.I,
)
"""Fields whose numbers are metadata, not figures."""
DATE_FIELDS = ("period", "date", "quarter", "month", "year")
FREQUENCY_FIELDS = ("frequency", "freq", "periodicity")
TITLE_FIELDS = ("indicator", "name", "series", "title", "label")
DESCRIPTIVE_FIELDS = (*DATE_FIELDS, *FREQUENCY_FIELDS, "unit", "source")
"""Fields that describe a figure."""
UNIT_PATTERN = re.compile(rf"(?<![A-Za-z])(?:{spelling_regex(UNIT_SPELLINGS)})", re.I)
SCALE_PATTERN = re.compile(rf"(?<![A-Za-z])(?:{spelling_regex(SCALE_SPELLINGS)})", re.I)
MAX_EXPONENT = 30
"""The largest power of ten in a figure: with larger ones, arithmetic may overflow."""


def figures_in_json(value: Any, key: str = "") -> Iterator[Figure]:
    """Yield the figures of the value of a field, in order; all its numbers are `Decimal`."""
    match value:
        case Mapping():
            yield from _figures_in_record(value)
        case list():
            for inner in value:
                yield from figures_in_json(inner, key)
        case str():
            yield from figures_in_prose(value)
        case Decimal():
            yield from _number_figure(value, {}, key)


def _figures_in_record(record: Mapping[str, Any]) -> Iterator[Figure]:
    """Yield each number of an object, and a `value` that is a text."""
    is_paging = "page" in record
    for key, value in record.items():
        if key in DESCRIPTIVE_FIELDS or METADATA_FIELDS.fullmatch(key):
            continue
        number = _parse_number(value) if key == "value" else value
        if not isinstance(number, Decimal):
            yield from figures_in_json(value, key)
        elif not is_paging:
            yield from _number_figure(number, record, key)


def _number_figure(number: Decimal, record: Mapping[str, Any], key: str) -> Iterator[Figure]:
    """Yield the figure of a number; nothing if it is too large or not finite."""
    if not number.is_finite() or abs(number.adjusted()) > MAX_EXPONENT:
        return
    title = " ".join(_field_text(record.get(name)) for name in TITLE_FIELDS)
    unit_field = _field_text(record.get("unit")) if key == "value" or "value" not in record else ""
    description = f"{key} {unit_field}".replace("_", " ")
    match = UNIT_PATTERN.search(description) or UNIT_PATTERN.search(title)
    unit = find_unit(match.group()) if match else None
    scale = SCALE_PATTERN.search(description)
    factor = scale_factor(scale.group()) if scale else Decimal(1)
    if unit and match:
        unit += per_unit_suffix(match.string, match.end())
    period, is_from_date = _record_period(record, description, title)
    dates = " ".join(_field_text(record.get(name)) for name in DATE_FIELDS)
    years = set(re.findall(rf"(?<!\d){YEAR_PATTERN}(?!\d)", dates))
    year = years.pop() if len(years) == 1 else None
    yield build_figure(str(number), number, factor, unit, (period, is_from_date, year))


def _record_period(record: Mapping[str, Any], *texts: str) -> tuple[str | None, bool]:
    """The period by the frequency, or the unit, or the title, or else by the form of the date.

    Also returns whether it is known only from the date.
    """
    frequency = " ".join(_field_text(record.get(name)) for name in FREQUENCY_FIELDS)
    for text in (frequency, *texts):
        if (period := detect_period(text)) is not None:
            return period, False
    from_dates = (detect_period(_field_text(record.get(name))) for name in DATE_FIELDS)
    period = next((period for period in from_dates if period), None)
    return period, period is not None


def _field_text(value: Any) -> str:
    """A text, or the text in an object such as {"id": "FP.CPI.TOTL.ZG", "value": "Inflation"}."""
    if isinstance(value, Mapping):
        value = value.get("value")
    return "" if value is None else str(value)


def _parse_number(value: Any) -> Decimal | None:
    """A number, or a text that contains only a number."""
    if isinstance(value, Decimal):
        return value
    try:
        return Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None

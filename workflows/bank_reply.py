"""A reply of the World Bank: one published figure, with its unit, period and source, or none."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

FREQUENCIES = {None: "annual", "Q": "quarterly", "M": "monthly"}
"""How often a series is published, by the letter in its dates: 2023, 2023Q4, 2023M12."""
FIELDS = ("indicator", "country", "date", "value", "unit", "decimal")
Result = Mapping[str, Any]


class SchemaChanged(Exception):
    """Raised when a reply has not the shape that figures are read from."""


class Refused(Exception):
    """Raised when the World Bank does not know the country, the indicator or the period."""


def structured(reply: Any) -> Result:
    """The one figure of a reply, with what it takes to cite it; without one, that there is no data.

        {"value": 4.87835726508441, "unit": "%", "frequency": "annual", "period": "2023",
         "country": "France", "indicator": "Inflation, consumer prices",
         "source": "World Bank, FP.CPI.TOTL.ZG, updated 2025-06-05", "cite": "4.9%, annual, 2023"}

    `cite` has the decimals that the World Bank shows: a model rounds less surely. Raises `Refused`,
    and `SchemaChanged` rather than guess. The shape of a reply is described at
    https://datahelpdesk.worldbank.org/knowledgebase/articles/898581
    """
    match reply:
        case [{"message": [{"value": str(reason)}, *_]}, *_]:
            raise Refused(f"the World Bank refuses: {reason}")
        case [{"total": 0}, None | []]:
            return no_data("none for this country, indicator and period")
        case [{"lastupdated": str(updated)}, [{**row}]]:
            return figure(row, updated)
        case _:
            raise SchemaChanged(f"no page with one figure, but {str(reply)[:200]}")


def figure(row: Mapping[Any, Any], updated: str) -> Result:
    """What one row of a reply says; every field that is read must be there."""
    if missing := [field for field in FIELDS if field not in row]:
        raise SchemaChanged(f"no {', '.join(missing)} in a row of {', '.join(row)}")
    match row:
        case {"value": None}:
            return no_data(f"none for {row['date']}")
        case {
            "indicator": {"id": str(code), "value": str(title)},
            "country": {"value": str(country)},
            "date": str(period),
            "value": int(value) | float(value),
            "unit": str(unit),
            "decimal": int(decimals),
        } if value is not True and value is not False and isfinite(value) and decimals >= 0:
            often = frequency(period)
            name, in_title = split(title)
            measure = (unit or in_title).removeprefix(often).strip()
            shown = f"{value:.{decimals}f}{measure if measure == '%' else f' {measure}'.rstrip()}"
            return {
                "value": value,
                "unit": measure or None,
                "frequency": often,
                "period": period,
                "country": country,
                "indicator": name,
                "source": f"World Bank, {code}, updated {updated}",
                "cite": f"{shown}, {often}, {period}",
            }
    raise SchemaChanged(f"a row of another kind: {str(dict(row))[:200]}")


def no_data(why: str) -> Result:
    return {"value": None, "says": f"no data: {why}"}


def split(title: str) -> tuple[str, str]:
    """An indicator's name, and its unit, which stands in brackets at the end, or is empty."""
    found = re.fullmatch(r"(.+) \(([^()]+)\)", title)
    return (found[1], found[2]) if found else (title, "")


def frequency(period: str) -> str:
    """How often the series of this period is published. Raises `SchemaChanged`."""
    found = re.fullmatch(r"\d{4}(?:([QM])\d{1,2})?", period)
    if not found:
        raise SchemaChanged(f"no period that is known: {period!r}")
    return FREQUENCIES[found[1]]

"""The World Bank: its published figures, each with its unit, period and source."""

import re
from collections.abc import Mapping
from typing import Any

import httpx
import mlflow

from instrumentation.attempts import seen_interceptor

FREQUENCIES = {None: "annual", "Q": "quarterly", "M": "monthly"}
"""How often a series is published, by the letter in its dates: 2023, 2023Q4, 2023M12."""
FIELDS = ("indicator", "country", "date", "value", "unit", "decimal")
LONGEST = 2_000
"""How much of a reply is kept in the trace, in characters: one with one figure has about 300."""
Result = Mapping[str, Any]


class SchemaChanged(Exception):
    """Raised when a reply has not the shape that figures are read from."""


class Refused(Exception):
    """Raised when the World Bank does not know the country, the indicator or the period."""


class Unavailable(Exception):
    """Raised when the World Bank gives no reply, or an error in place of one."""


def client(address: str, deadline_s: float | None) -> httpx.Client:
    """A way to the World Bank whose failed requests are seen in the trace."""
    seen = seen_interceptor()
    return httpx.Client(
        base_url=address,
        timeout=deadline_s,
        follow_redirects=True,
        event_hooks={"request": [seen.on_outbound], "response": [seen.on_inbound]},
    )


def asked(http: httpx.Client, country: str, indicator: str, period: str) -> Any:
    """The World Bank's reply, as it comes. Asks once; raises `Unavailable` without an answer."""
    path = f"/v2/country/{country}/indicator/{indicator}"
    try:
        reply = http.get(path, params={"format": "json", "date": period})
        reply.raise_for_status()
        _on_record(reply.text)
        return reply.json()
    except httpx.HTTPStatusError as error:
        raise Unavailable(f"the World Bank answered HTTP {error.response.status_code}") from error
    except httpx.HTTPError as error:
        raise Unavailable(f"the World Bank did not answer ({type(error).__name__})") from error
    except ValueError as error:
        raise Unavailable("the World Bank's answer is no JSON") from error


def _on_record(reply: str) -> None:
    """Leave the reply in the trace as it came: what is made of it can be held against that."""
    if span := mlflow.get_current_active_span():
        span.set_attribute("http.reply", reply[:LONGEST])


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
        } if value is not True and value is not False:
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

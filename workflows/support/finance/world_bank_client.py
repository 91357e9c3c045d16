"""The World Bank's indicator API: fetch one figure, without retries, and parse the reply.

The API is described at https://datahelpdesk.worldbank.org/knowledgebase/articles/898581.
"""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, Self

import httpx
import mlflow

from instrumentation import tracing_interceptor

MAX_REPLY_CHARS = 2_000
"""How much of a reply the trace records. A reply with one figure has about 300 characters."""
PERMANENT_ERRORS = (400, 404, 410, 422)
"""HTTP statuses of requests that fail again however often they are repeated."""
REQUIRED_FIELDS = ("indicator", "country", "date", "value", "unit", "decimal")
FREQUENCIES = {None: "annual", "Q": "quarterly", "M": "monthly"}
"""The frequency of a series, by the letter in its dates: 2023, 2023Q4, 2023M12."""
CAVEATS = {
    "B": "break in the time series",
    "E": "estimated by the source",
    "F": "forecast of the source",
    "I": "imputed by the source",
    "P": "provisional, as the source says",
    "U": "unreliable, as the source says",
}
"""Statuses of a value that a reader must know. Source: the code list CL_OBS_STATUS of SDMX 2.1."""


class UnavailableError(Exception):
    """The World Bank did not reply, or replied with an error that may pass."""


class RequestRejectedError(Exception):
    """The World Bank does not know the country, the indicator or the period."""


class SchemaChangedError(Exception):
    """A reply does not have the expected fields."""


class WorldBank:
    """A client for the API. Use it in a `with` statement; its failed requests are traced."""

    def __init__(self, base_url: str, timeout_s: float | None) -> None:
        interceptor = tracing_interceptor()
        self._http = httpx.Client(
            base_url=base_url,
            timeout=timeout_s,
            follow_redirects=True,
            event_hooks={
                "request": [interceptor.on_outbound],
                "response": [interceptor.on_inbound],
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def fetch(self, country: str, indicator: str, period: str) -> Any:
        """Request one figure, once, and return the decoded JSON. The tool's span records the reply.

        Raises:
            UnavailableError: no reply, a reply that is not JSON, or an error that may pass.
            RequestRejectedError: an error that repeating the request cannot fix.
        """
        path = f"/v2/country/{country}/indicator/{indicator}"
        try:
            reply = self._http.get(path, params={"format": "json", "date": period})
            reply.raise_for_status()
            if span := mlflow.get_current_active_span():
                target = reply.request.url.raw_path.decode()
                span.set_attribute("flight_recorder.http.request", f"GET {target}")
                span.set_attribute("flight_recorder.http.reply", reply.text[:MAX_REPLY_CHARS])
            return reply.json()
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            if status in PERMANENT_ERRORS:
                raise RequestRejectedError(f"the World Bank refuses: HTTP {status}") from error
            raise UnavailableError(f"the World Bank answered HTTP {status}") from error
        except httpx.HTTPError as error:
            message = f"the World Bank did not answer ({type(error).__name__})"
            raise UnavailableError(message) from error
        except (ValueError, RecursionError) as error:
            raise UnavailableError("the World Bank's answer is not JSON") from error


def parse_reply(reply: Any) -> Mapping[str, Any]:
    """Extract the figure in a reply, with all that it takes to cite it; or that there is no data.

        {"value": 4.87835726508441, "unit": "%", "frequency": "annual", "period": "2023",
         "country": "France", "indicator": "Inflation, consumer prices",
         "source": "World Bank, FP.CPI.TOTL.ZG, updated 2025-06-05", "cite": "4.9%, annual, 2023"}

    `cite` is rounded to the World Bank's own decimals, because models round unreliably. A figure
    that is provisional, estimated or the like has a `caveat`, too.

    Raises:
        RequestRejectedError: the reply is an error message of the World Bank.
        SchemaChangedError: a field is missing or has another type. Nothing is guessed.
    """
    match reply:
        case [{"message": [{"value": str(reason)}, *_]}, *_]:
            raise RequestRejectedError(f"the World Bank refuses: {reason}")
        case [{"total": 0}, None | []]:
            return _no_data("none for this country, indicator and period")
        case [{"lastupdated": str(updated)}, [{**row}]]:
            return _parse_row(row, updated)
        case _:
            raise SchemaChangedError(f"no page with one figure, but {str(reply)[:200]}")


def _parse_row(row: Mapping[Any, Any], updated: str) -> Mapping[str, Any]:
    if missing := [field for field in REQUIRED_FIELDS if field not in row]:
        raise SchemaChangedError(f"no {', '.join(missing)} in a row of {', '.join(row)}")
    match row:
        case {"value": None}:
            return _no_data(f"none for {row['date']}")
        case {
            "indicator": {"id": str(code), "value": str(title)},
            "country": {"value": str(country)},
            "date": str(period),
            "value": int(value) | float(value),
            "unit": str(unit),
            "decimal": int(decimals),
        } if value is not True and value is not False and isfinite(value) and decimals >= 0:
            frequency = _frequency(period)
            name, unit_in_title = _split_title(title)
            measure = (unit or unit_in_title).removeprefix(frequency).strip()
            number = f"{value:.{decimals}f}"
            amount = f"{number}%" if measure == "%" else f"{number} {measure}".rstrip()
            caveat = CAVEATS.get(str(row.get("obs_status")))
            return {
                "value": value,
                "unit": measure or None,
                "frequency": frequency,
                "period": period,
                "country": country,
                "indicator": name,
                "source": f"World Bank, {code}, updated {updated}",
                "cite": f"{amount}, {frequency}, {period}",
                **({"caveat": caveat} if caveat else {}),
            }
    raise SchemaChangedError(f"unexpected values in a row: {str(dict(row))[:200]}")


def _no_data(reason: str) -> Mapping[str, Any]:
    return {"value": None, "message": f"no data: {reason}"}


def _split_title(title: str) -> tuple[str, str]:
    """Split "Inflation, consumer prices (annual %)" into the name and the unit, which may be ""."""
    match = re.fullmatch(r"(.+) \(([^()]+)\)", title)
    return (match[1], match[2]) if match else (title, "")


def _frequency(period: str) -> str:
    match = re.fullmatch(r"\d{4}(?:([QM])\d{1,2})?", period)
    if not match:
        raise SchemaChangedError(f"unknown form of a period: {period!r}")
    return FREQUENCIES[match[1]]

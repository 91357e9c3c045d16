"""The World Bank: published figures, asked for over HTTP; bank_reply.py reads what it says."""

from typing import Any

import httpx
import mlflow

from instrumentation.http_attempts.http_client import tracing_interceptor
from workflows.bank_reply import Refused

LONGEST = 2_000
"""How much of a reply is kept in the trace, in characters: one with one figure has about 300."""
ASK_OTHERWISE = (400, 404, 410, 422)
"""What it answers to a request that will not be answered however often it is made."""


class Unavailable(Exception):
    """Raised when the World Bank gives no reply, or an error in place of one."""


def client(address: str, deadline_s: float | None) -> httpx.Client:
    """A way to the World Bank whose failed requests are seen in the trace."""
    seen = tracing_interceptor()
    return httpx.Client(
        base_url=address,
        timeout=deadline_s,
        follow_redirects=True,
        event_hooks={"request": [seen.on_outbound], "response": [seen.on_inbound]},
    )


def asked(http: httpx.Client, country: str, indicator: str, period: str) -> Any:
    """The World Bank's reply, as it comes. Asks once; raises `Unavailable` without an answer, and
    `Refused` where it is no use to ask again."""
    path = f"/v2/country/{country}/indicator/{indicator}"
    try:
        reply = http.get(path, params={"format": "json", "date": period})
        reply.raise_for_status()
        _on_record(reply.text)
        return reply.json()
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status in ASK_OTHERWISE:
            raise Refused(f"the World Bank refuses: HTTP {status}") from error
        raise Unavailable(f"the World Bank answered HTTP {status}") from error
    except httpx.HTTPError as error:
        raise Unavailable(f"the World Bank did not answer ({type(error).__name__})") from error
    except (ValueError, RecursionError) as error:
        raise Unavailable("the World Bank's answer is no JSON") from error


def _on_record(reply: str) -> None:
    """Leave the reply in the trace as it came: what is made of it can be held against that."""
    if span := mlflow.get_current_active_span():
        span.set_attribute("flight_recorder.http.reply", reply[:LONGEST])

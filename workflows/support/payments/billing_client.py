"""A client of the billing service, and its tools for the payment agent: read and pay an invoice."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import mlflow
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from instrumentation import traced_http_client

Number = Annotated[str, Field(pattern=r"^[A-Z0-9-]+$", description="as on the invoice, A-17")]


class BillingError(Exception):
    """Raised when a call has no result; the message is written for the model."""


class ReadInvoice(BaseModel):
    """Read an invoice: its supplier, its amount in euros, and whether it is posted."""

    model_config = ConfigDict(extra="forbid")
    number: Number


class PayInvoice(BaseModel):
    """Pay an invoice. This cannot be undone."""

    model_config = ConfigDict(extra="forbid")
    number: Number
    eur: Annotated[float, Field(gt=0, description="the amount in euros, as on the invoice")]


SCHEMAS: Mapping[str, type[BaseModel]] = {"read_invoice": ReadInvoice, "pay_invoice": PayInvoice}
DEFINITIONS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": schema.__doc__,
            "parameters": schema.model_json_schema(),
        },
    }
    for name, schema in SCHEMAS.items()
]
"""The tools in the format of OpenAI's `tools` parameter."""


def parse_arguments(tool: str, arguments: str) -> dict[str, Any]:
    """Read the arguments of a call. Raises `BillingError` if they do not match the schema."""
    if tool not in SCHEMAS:
        raise BillingError(f"no tool is named {tool!r}; there are: {', '.join(SCHEMAS)}")
    try:
        return SCHEMAS[tool].model_validate_json(arguments).model_dump()
    except ValidationError as error:
        faults = "; ".join(fault["msg"] for fault in error.errors(include_url=False))
        raise BillingError(f"the arguments were not read: {faults}") from None


class Billing:
    """The billing service at `base_url`."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, timeout_s: float | None) -> None:
        self._http, self._base_url, self._timeout_s = http, base_url, timeout_s

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """Call a tool. Raises `BillingError`."""
        if tool == "read_invoice":
            return await self._request("GET", f"/invoices/{arguments['number']}")
        return await self._request("POST", "/payments", json=dict(arguments))

    async def _request(self, method: str, path: str, **options: Any) -> Any:
        address = f"{self._base_url.rstrip('/')}{path}"
        try:
            reply = await self._http.request(method, address, timeout=self._timeout_s, **options)
            if span := mlflow.get_current_active_span():
                span.set_attribute("flight_recorder.http.request", f"{method} {path}")
                span.set_attribute("flight_recorder.http.reply", reply.text)
            reply.raise_for_status()
            return reply.json()
        except httpx.HTTPStatusError as error:
            raise BillingError(f"billing answered HTTP {error.response.status_code}") from None
        except httpx.HTTPError as error:
            raise BillingError(f"billing did not answer ({type(error).__name__})") from None
        except ValueError:
            raise BillingError("billing's answer is not JSON") from None


@asynccontextmanager
async def open_billing(base_url: str, timeout_s: float | None) -> AsyncGenerator[Billing]:
    """Open the service with an HTTP client of its own."""
    async with traced_http_client() as http:
        yield Billing(http, base_url, timeout_s)

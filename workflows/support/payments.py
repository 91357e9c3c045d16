"""The parts of the payment agent: the billing service, its two tools, and the state of a run."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import mlflow
from openai import AsyncOpenAI
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from instrumentation import traced_http_client
from instrumentation.guardrails import Guardrails
from workflows.support.clients.openai import ToolCall

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


@dataclass(frozen=True)
class Payments:
    """How a run of the payment agent ended.

    Attributes:
        outcome: "done"; "out of budget"; or "out of rounds".
        text: The model's last text, or why there is none.
        paid: The numbers of the invoices that were paid.
    """

    outcome: str
    text: str
    paid: tuple[str, ...] = ()


class Conversation:
    """The messages of one run, its tools and its guardrails. Runs share nothing."""

    def __init__(
        self, client: AsyncOpenAI, billing: Billing, guardrails: Guardrails, prompt: str, task: str
    ) -> None:
        self.client, self.billing, self.guardrails = client, billing, guardrails
        self.messages: list[Mapping[str, Any]] = [
            {"role": "system", "content": prompt},
            {"role": "user", "content": task},
        ]
        self.paid: list[str] = []

    def add_result(self, call: ToolCall, result: Any) -> None:
        """Add the result of a call, or its error, as the message that the model reads."""
        content = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        self.messages.append({"role": "tool", "tool_call_id": call.id, "content": content})

    def end(self, outcome: str, text: str) -> Payments:
        return Payments(outcome, text, tuple(self.paid))

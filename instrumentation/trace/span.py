"""A span: one thing that happened, with all that happened inside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN_USAGE_ATTRIBUTE = "mlflow.chat.tokenUsage"
"""The attribute in which MLflow keeps what a completion used."""
MAX_SPAN_DEPTH = 200
"""How many levels of spans are read; what goes deeper is a loop that nobody could read either."""


@dataclass(frozen=True)
class Tokens:
    """What a completion used, as its endpoint counts."""

    input: int = 0
    output: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.input + other.input, self.output + other.output)

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True)
class Span:
    """One thing that happened, with all that happened inside it.

    `status` is OK, ERROR or UNSET; `says` is the sentence that came with it. Times are nanoseconds
    since the epoch, and zero in a recorded trace. `cost_usd` is what a completion cost by the
    store's list of prices: None where it has no price, and in a recorded trace, for lists change.
    """

    name: str
    type: str
    status: str = "OK"
    status_message: str = ""
    inputs: Any = None
    outputs: Any = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    children: tuple["Span", ...] = ()
    start_ns: int = 0
    end_ns: int = 0
    cost_usd: float | None = None

    def __iter__(self) -> Iterator["Span"]:
        """This span and all beneath it, a parent before its children, in the order they began."""
        yield self
        for child in self.children:
            yield from child

    @property
    def failed(self) -> bool:
        return self.status == "ERROR"

    @property
    def agent(self) -> str | None:
        """The agent at work in this span, where the span says so."""
        name = self.attributes.get("gen_ai.agent.name")
        return str(name) if name else self.name if self.type == "AGENT" else None

    @property
    def tokens(self) -> Tokens:
        used = self.attributes.get(TOKEN_USAGE_ATTRIBUTE) or {}
        return Tokens(int(used.get("input_tokens", 0)), int(used.get("output_tokens", 0)))

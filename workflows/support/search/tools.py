"""The common parts of search tools: their type, arguments and hits, and the errors of a call."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json


class Hit(TypedDict):
    """One search hit."""

    title: str
    text: str
    source: str


@dataclass(frozen=True)
class SearchResult:
    """A numbered hit; `number` counts over the whole run from 1, in the order of the calls."""

    number: int
    title: str
    text: str
    source: str

    def __str__(self) -> str:
        """The result as the model reads it."""
        return f"[{self.number}] {self.title} ({self.source})\n{self.text}"

    @property
    def content(self) -> str:
        """The result without its number and its address."""
        return f"{self.title}\n{self.text}"


class ToolError(Exception):
    """Raised when a tool call returns no hits; the message is written for the model."""


class UnknownToolError(ToolError):
    """Raised when a model calls a tool that does not exist."""


class InvalidArgumentsError(ToolError):
    """Raised when the arguments of a call do not match the tool's schema."""


class CallRejectedError(ToolError):
    """Raised when the agent decides not to make a call."""


class SearchFailedError(ToolError):
    """Raised when a search service gives no usable answer."""


@dataclass(frozen=True)
class Tool:
    """One search. `search` takes the fields of `schema` by keyword and may raise `ToolError`."""

    name: str
    description: str
    schema: type[BaseModel]
    search: Callable[..., Awaitable[Sequence[Hit]]]

    @property
    def definition(self) -> Mapping[str, Any]:
        """The tool in the format of OpenAI's `tools` parameter."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": self.schema.model_json_schema(),
        }
        return {"type": "function", "function": function}

    def parse(self, arguments: str) -> dict[str, Any]:
        """Read a call's arguments. Raises `InvalidArgumentsError` unless they match the schema."""
        try:
            return self.schema.model_validate_json(arguments, strict=True).model_dump()
        except ValidationError as error:
            faults = (
                ": ".join(filter(None, (".".join(map(str, fault["loc"])), fault["msg"])))
                for fault in error.errors(include_url=False, include_context=False)
            )
            raise InvalidArgumentsError(
                f"the arguments were not read: {'; '.join(faults)}"
            ) from None


def find_tool(tools: Sequence[Tool], name: str) -> Tool:
    """The tool of this name. Raises `UnknownToolError`, which lists the names."""
    for tool in tools:
        if tool.name == name:
            return tool
    known = ", ".join(tool.name for tool in tools)
    raise UnknownToolError(f"no tool is named {name!r}; there are: {known}")


def make_hit(title: str | None, text: str | None, source: str | None) -> Hit:
    """Build a hit that can be stored and sent on: text from the web may be cut inside a character,
    which leaves half a surrogate pair; that becomes a question mark."""
    return Hit(title=_storable(title), text=_storable(text), source=_storable(source))


def readable_arguments(arguments: str) -> dict[str, Any]:
    """The arguments of a call for a span's inputs: the JSON object if they are one, else the text.

    pydantic parses them as it does for the tool: the standard library also accepts half a surrogate
    pair, which no store can hold.
    """
    try:
        parsed = from_json(arguments, allow_inf_nan=False)
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) else {"arguments": arguments}


def count_outcomes(outcomes: Sequence[Sequence[Hit] | ToolError]) -> dict[str, int]:
    """Count how the calls of one round ended, as attributes of its span."""
    errors = Counter(type(outcome) for outcome in outcomes if isinstance(outcome, ToolError))
    hits = sum(len(outcome) for outcome in outcomes if not isinstance(outcome, ToolError))
    return {
        "flight_recorder.tool.call_count": len(outcomes),
        "flight_recorder.tool.failed_count": errors[SearchFailedError],
        "flight_recorder.tool.unknown_count": errors[UnknownToolError],
        "flight_recorder.tool.malformed_count": errors[InvalidArgumentsError],
        "flight_recorder.tool.withheld_count": errors[CallRejectedError],
        "flight_recorder.tool.result_count": hits,
    }


def _storable(text: str | None) -> str:
    return (text or "").encode(errors="replace").decode()

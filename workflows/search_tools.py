"""A search tool: what the agent may call, what it takes, and who answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

Found = Mapping[str, str]
"""What one hit says: {"title", "text", "source"}."""


def found(title: str | None, text: str | None, source: str | None) -> Found:
    """A hit as it can be sent on and stored: a text of the web may be cut inside a character, which
    leaves half a surrogate."""
    told = {"title": title, "text": text, "source": source}
    return {key: (value or "").encode(errors="replace").decode() for key, value in told.items()}


class NoAnswer(Exception):
    """Raised when a search gives no answer; what it says is for the model that asked."""


@dataclass(frozen=True)
class Tool:
    """One search. `search` takes the fields of `takes` by keyword; it may raise `NoAnswer`."""

    name: str
    about: str
    takes: type[BaseModel]
    search: Callable[..., Awaitable[Sequence[Found]]]

    @property
    def offer(self) -> Mapping[str, Any]:
        """The tool as a model is told of it, in OpenAI's format."""
        function = {
            "name": self.name,
            "description": self.about,
            "parameters": self.takes.model_json_schema(),
        }
        return {"type": "function", "function": function}

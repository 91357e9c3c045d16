"""The arguments of a tool call: text that a model wrote, read as what the tool takes."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workflows.countries import countries


class BadArguments(Exception):
    """Raised when arguments are not what the tool takes; what it says is for the model."""


class Query(BaseModel):
    """What to search the web for."""

    model_config = ConfigDict(extra="forbid")

    # Tavily takes 400 characters at most.
    query: Annotated[str, Field(min_length=1, max_length=400, description="a few words")]


class CountryQuery(Query):
    """What to search the index of facts for."""

    country: Annotated[
        str, Field(pattern="^[A-Z]{3}$", description="the three letters of its code, such as FRA")
    ]


Reads = Callable[[str, type[BaseModel]], Mapping[str, Any] | None]
"""Reads the arguments of a call; None makes the tool answer nothing."""
Vets = Callable[[str, str, Mapping[str, Any]], str | None]
"""Told the task, what the model says it will do, and a call's arguments: why not to make it."""


def as_it_takes(arguments: str, shape: type[BaseModel]) -> Mapping[str, Any]:
    """The arguments, if they are a JSON object of this shape; else raises `BadArguments`."""
    try:
        return shape.model_validate_json(arguments, strict=True).model_dump()
    except ValidationError as error:
        faults = (
            ": ".join(filter(None, (".".join(map(str, fault["loc"])), fault["msg"])))
            for fault in error.errors(include_url=False, include_context=False)
        )
        raise BadArguments(f"the arguments were not read: {'; '.join(faults)}") from None


def as_it_said(task: str, said: str, arguments: Mapping[str, Any]) -> str | None:
    """Objects to a call about another country than those that the model says it will ask about.

    A country is known by its code: one that stands in the task, or that the call itself is about.
    """
    own = arguments.get("country")
    known = countries(task) | ({own} if own else set())
    named = known & countries(said)
    about = {own} if own else known & countries(arguments.get("query", ""))
    if not named or about <= named:
        return None
    other = ", ".join(sorted(about - named))
    return (
        f"the call was not made: you said that you would ask about {', '.join(sorted(named))}, "
        f"and it asks about {other}; say which you mean, then call"
    )

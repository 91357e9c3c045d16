"""A round of tool calls: those of one reply, made at the same time, told in the reply's order."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mlflow
from mlflow.entities import SpanType
from pydantic_core import from_json

from workflows.citations import Result
from workflows.search_arguments import BadArguments, Reads, Vets
from workflows.search_tools import Found, NoAnswer, Tool

Message = Mapping[str, Any]


class UnknownTool(Exception):
    """Raised when a model calls a tool that there is not; what it says is for the model."""


class NotMade(Exception):
    """Raised when a call is held back; what it says is for the model."""


REFUSED = (BadArguments, NoAnswer, NotMade, UnknownTool)
"""What may come of a call that finds nothing: told to the model, and the run goes on."""


@dataclass(frozen=True)
class Round:
    """What came of the calls of one reply: what the model is told, the results and the errors."""

    messages: tuple[Message, ...]
    results: tuple[Result, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Desk:
    """Makes the calls of one agent. `vets` is told the task, what the model said and the call."""

    agent: str
    task: str
    tools: Mapping[str, Tool]
    reads: Reads
    vets: Vets

    async def invoke_tools(
        self, said: str, calls: Sequence[Message], known: int, withheld: str = ""
    ) -> Round:
        """Make the calls, or tell why they are `withheld`. Results count on from `known`."""
        with mlflow.start_span("invoke_tools", span_type=SpanType.CHAIN) as span:
            span.set_inputs({"calls": [call["function"] for call in calls]})
            async with asyncio.TaskGroup() as group:
                under_way = [
                    group.create_task(self._outcome(said, call["function"], withheld))
                    for call in calls
                ]
            outcomes = [one.result() for one in under_way]
            ended = _told(calls, outcomes, known)
            span.set_attributes(_counts(outcomes, len(ended.results)))
            span.set_outputs({"messages": ended.messages})
        return ended

    async def _outcome(
        self, said: str, function: Mapping[str, str], withheld: str
    ) -> Sequence[Found] | Exception:
        """What a call finds, or why it finds nothing. The error passes through the tool's span, so
        that it is seen there, and no further, so that it does not end the run."""
        try:
            with mlflow.start_span(function["name"] or "unnamed", span_type=SpanType.TOOL) as span:
                span.set_inputs(_shown(function["arguments"]))
                span.set_attributes(
                    {
                        "gen_ai.operation.name": "execute_tool",
                        "gen_ai.tool.name": function["name"],
                        "gen_ai.agent.name": self.agent,
                    }
                )
                if withheld:
                    raise NotMade(withheld)
                found = await self._made(said, function["name"], function["arguments"])
                span.set_outputs({"results": found})
                return found
        except REFUSED as error:
            return error

    async def _made(self, said: str, name: str, arguments: str) -> Sequence[Found]:
        if (tool := self.tools.get(name)) is None:
            raise UnknownTool(f"no tool is named {name!r}; there are: {', '.join(self.tools)}")
        taken = self.reads(arguments, tool.takes)
        if taken is None:
            return ()
        if objection := self.vets(self.task, said, taken):
            raise NotMade(objection)
        return await tool.search(**taken)


def _told(
    calls: Sequence[Message], outcomes: Sequence[Sequence[Found] | Exception], known: int
) -> Round:
    """What the model is told, a message a call; its results bear their numbers."""
    messages: list[Message] = []
    results: list[Result] = []
    errors: list[str] = []
    for call, outcome in zip(calls, outcomes, strict=True):
        if isinstance(outcome, Exception):
            content = f"error: {outcome}"
            errors.append(content)
        else:
            first = known + len(results) + 1
            new = [Result(number, **found) for number, found in enumerate(outcome, first)]
            results += new
            content = "\n".join(map(str, new)) or "no results"
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    return Round(tuple(messages), tuple(results), tuple(errors))


def _counts(outcomes: Sequence[Sequence[Found] | Exception], results: int) -> dict[str, int]:
    """How many calls there were, and how many of them came to what."""
    kinds = Counter(type(one) for one in outcomes if isinstance(one, Exception))
    return {
        "flight_recorder.tool.call_count": len(outcomes),
        "flight_recorder.tool.failed_count": kinds[NoAnswer],
        "flight_recorder.tool.unknown_count": kinds[UnknownTool],
        "flight_recorder.tool.malformed_count": kinds[BadArguments],
        "flight_recorder.tool.withheld_count": kinds[NotMade],
        "flight_recorder.tool.result_count": results,
    }


def _shown(arguments: str) -> dict[str, Any]:
    """The arguments of a call for its span: as an object, where they are one. Read as the tool
    reads them: the standard library takes what no store can hold, such as half a surrogate."""
    try:
        read = from_json(arguments, allow_inf_nan=False)
    except ValueError:
        read = None
    return read if isinstance(read, dict) else {"arguments": arguments}

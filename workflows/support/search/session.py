"""The state of one run of the search agent: its tools, its tool calls, and its final answer."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import mlflow
from mlflow.entities import SpanType
from openai import AsyncOpenAI

from workflows.support.clients.openai import Reply, ToolCall
from workflows.support.search.checks import cited_numbers
from workflows.support.search.search_index import RetryDelay, index_search_tool
from workflows.support.search.tools import (
    CallRejectedError,
    Hit,
    SearchResult,
    Tool,
    ToolError,
    count_outcomes,
    find_tool,
    readable_arguments,
)
from workflows.support.search.web_search import web_search_tool


@dataclass(frozen=True)
class SearchAnswer:
    """The end of a run.

    Attributes:
        outcome: "answered"; "refused", in the model's words; "unsupported", if the answer still has
            an objection after all revisions; or "out of rounds", if the model would have searched
            further.
        text: The model's last text.
        results: Everything that was found.
        objection: Why the answer was not accepted, or "".
    """

    outcome: str
    text: str
    results: tuple[SearchResult, ...] = field(default=(), repr=False)
    objection: str = ""

    @property
    def summary(self) -> Mapping[str, Any]:
        """The answer for a span's outputs, with title and source of each result that it cites."""
        cited = [result for result in self.results if result.number in cited_numbers(self.text)]
        sources = [f"[{result.number}] {result.title} ({result.source})" for result in cited]
        objection = {"objection": self.objection} if self.objection else {}
        return {"answer": self.text, "sources": sources} | objection


class Session:
    """The conversation of one run, and what was found in it. Runs of one agent share nothing."""

    def __init__(
        self, agent: str, task: str, prompt: str, client: AsyncOpenAI, tools: Sequence[Tool]
    ) -> None:
        self.agent, self.task, self.client, self.tools = agent, task, client, tools
        self.messages: list[Mapping[str, Any]] = [
            {"role": "system", "content": prompt},
            {"role": "user", "content": task},
        ]
        self.results: list[SearchResult] = []
        self.errors: list[str] = []

    @property
    def known_texts(self) -> list[str]:
        """What an answer may repeat without a citation: the task, and why calls failed."""
        return [self.task, *self.errors]

    @property
    def all_texts(self) -> list[str]:
        """Everything that the model was given: what it may take figures from."""
        return [*self.known_texts, *(result.content for result in self.results)]

    def tool(self, name: str) -> Tool:
        """The tool of this name. Raises `UnknownToolError`."""
        return find_tool(self.tools, name)

    def add_outcome(self, call_id: str, outcome: Sequence[Hit] | ToolError) -> Mapping[str, Any]:
        """Number the hits of a call, and add the message that reports them to the model."""
        if isinstance(outcome, ToolError):
            content = f"error: {outcome}"
            self.errors.append(content)
        else:
            first = len(self.results) + 1
            found = [SearchResult(number, **hit) for number, hit in enumerate(outcome, first)]
            self.results += found
            content = "\n".join(map(str, found)) or "no results"
        message = {"role": "tool", "tool_call_id": call_id, "content": content}
        self.messages.append(message)
        return message

    def end(self, outcome: str, text: str, objection: str | None = None) -> SearchAnswer:
        return SearchAnswer(outcome, text, tuple(self.results), objection or "")


@asynccontextmanager
async def open_tools(
    tavily: str,
    tavily_key: str | None,
    index: str,
    timeout_s: float | None,
    retry_delay_s: RetryDelay,
) -> AsyncGenerator[tuple[Tool, ...]]:
    """Open the agent's tools, each with an HTTP client of its own, and close them in the end."""
    async with (
        web_search_tool(tavily, tavily_key, timeout_s) as web,
        index_search_tool(index, timeout_s, retry_delay_s) as facts,
    ):
        yield web, facts


RunTool = Callable[[Session, str, ToolCall], Awaitable[Sequence[Hit]]]
"""Makes one call; takes the text that the model wrote along with it. May raise `ToolError`."""


async def call_tools(
    session: Session, reply: Reply, run_tool: RunTool, rejection: str = ""
) -> None:
    """Make the calls of a reply, or reject them all, and add their outcomes to the session."""
    with mlflow.start_span("invoke_tools", span_type=SpanType.CHAIN) as span:
        span.set_inputs({"calls": [call.function for call in reply.calls]})
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_call_tool(session, reply.text, call, run_tool, rejection))
                for call in reply.calls
            ]
        outcomes = [task.result() for task in tasks]
        messages = [
            session.add_outcome(call.id, outcome)
            for call, outcome in zip(reply.calls, outcomes, strict=True)
        ]
        span.set_attributes(count_outcomes(outcomes))
        span.set_outputs({"messages": messages})


async def _call_tool(
    session: Session, announcement: str, call: ToolCall, run_tool: RunTool, rejection: str
) -> Sequence[Hit] | ToolError:
    """Return the hits, or the error: it ends the tool's span, which records it, but not the run."""
    try:
        with mlflow.start_span(call.name or "unnamed", span_type=SpanType.TOOL) as span:
            span.set_inputs(readable_arguments(call.arguments))
            span.set_attributes(
                {
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": call.name,
                    "gen_ai.agent.name": session.agent,
                }
            )
            if rejection:
                raise CallRejectedError(rejection)
            hits = await run_tool(session, announcement, call)
            span.set_outputs({"results": hits})
            return hits
    except ToolError as error:
        return error

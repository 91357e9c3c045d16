"""An agent that answers from what it finds: plain function calling, with each span opened by hand.

    get_tool_calls ──▶ invoke_tools ──▶ reflect_tool_calls ──▶ answer
                            ▲                   │
                            └── more calls ─────┘      at most `rounds` times

The model says which searches it needs, they are made at the same time, and it reads what they
found; then it answers, or asks for more. Its answer cites the results as [1], [2]. An answer whose
figures the results do not bear out goes back to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import mlflow
from mlflow.entities import SpanType
from openai import AsyncOpenAI

from instrumentation.chat import record_request, record_response
from instrumentation.http_attempts.http_client import traced_http_client
from workflows.citations import Accepts, Checks, Judge, Result, borne_out, the_cited
from workflows.index_search import AsksAgain, search_index, twice_more
from workflows.model import LANE_HEADER, Model
from workflows.search_answer import Research
from workflows.search_arguments import Reads, Vets, as_it_said, as_it_takes
from workflows.search_calls import Desk, Message
from workflows.search_reply import Reply, plain
from workflows.web_search import web_search

AGENT = "searcher"
PROMPT = """\
You answer questions about countries from what your tools find, not from memory. Say in a sentence
what you look up, and about which country, then call: search_index for lasting facts about one
country, web_search for the rest; several calls at once where they do not depend on each other.
In the answer, cite each result where you use it, as [1] or [2]. Where results disagree, say so.
What could not be looked up, you name, and you do not guess it."""
SENT_BACK = 2
"""How often an answer is sent back at most."""
NONE_LEFT = "no round is left: answer from what was found"


async def research(
    task: str,
    model: Model,
    *,
    tavily: str = "https://api.tavily.com",
    tavily_key: str | None = None,
    index: str = "http://127.0.0.1:8765",
    rounds: int = 4,
    accepts: Accepts = borne_out,
    checks: Checks = the_cited,
    reads: Reads = as_it_takes,
    vets: Vets = as_it_said,
    asks_again: AsksAgain = twice_more,
    deadline_s: float | None = 60.0,
    retries: int = 2,
    on_text: Callable[[str, str], None] | None = None,
) -> Research:
    """Answer the task from what the web and the index say.

    With `on_text`, it is told who says what, once it is said. A search that fails is told to the
    model and ends nothing. Raises what OpenAI's client raises when a completion fails for good,
    and `AnswerCutShort` after one that ran into its token limit.
    """
    async with (
        traced_http_client() as http,
        traced_http_client() as web,
        traced_http_client() as near,
    ):
        searches = (
            web_search(tavily, tavily_key, web, deadline_s),
            search_index(index, near, deadline_s, asks_again),
        )
        client = AsyncOpenAI(
            base_url=model.base_url,
            api_key=model.api_key,
            default_headers={LANE_HEADER: AGENT},
            http_client=http,
            timeout=deadline_s,
            max_retries=retries,
        )
        searcher = Searcher(
            Desk(AGENT, task, {tool.name: tool for tool in searches}, reads, vets),
            Judge(accepts, checks),
            client,
            model.name,
        )
        with mlflow.start_span("research", span_type=SpanType.CHAIN) as span:
            span.set_inputs({"task": task})
            tags = {"date": f"{datetime.now():%Y%m%d}", "model": model.name}
            mlflow.update_current_trace(tags=tags)
            ended = await searcher.searched(rounds)
            span.set_attribute("flight_recorder.workflow.outcome", ended.outcome)
            span.set_outputs(ended.told)
    if on_text:
        on_text(AGENT, ended.answer)
    return ended


@dataclass(frozen=True)
class Searcher:
    """The agent at work on one task."""

    desk: Desk
    judge: Judge
    client: AsyncOpenAI
    model: str

    async def searched(self, rounds: int) -> Research:
        """Search and answer, in one turn."""
        with mlflow.start_span(AGENT, span_type=SpanType.AGENT) as span:
            span.set_inputs({"task": self.desk.task})
            ended = await self._turn(rounds)
            span.set_outputs(ended.told)
        return ended

    async def _turn(self, rounds: int) -> Research:
        messages: list[Message] = [
            {"role": "system", "content": PROMPT},
            {"role": "user", "content": self.desk.task},
        ]
        results: tuple[Result, ...] = ()
        told = [self.desk.task]
        objections: list[str] = []
        for left in range(rounds, -1, -1):
            reply = await self._asked(messages)
            if reply.refusal:
                return Research("refused", reply.refusal, results)
            messages.append(reply.message)
            if reply.calls:
                withheld = "" if left else NONE_LEFT
                made = await self.desk.invoke_tools(reply.text, reply.calls, len(results), withheld)
                messages += made.messages
                results += made.results
                told += made.errors
            elif (objection := self.judge.objection(reply.text, told, results)) is None:
                return Research("answered", reply.text, results)
            elif left == 0 or len(objections) == SENT_BACK:
                return Research("unsupported", reply.text, results, objection)
            else:
                objections.append(objection)
                messages.append({"role": "user", "content": objection})
        return await self._closed(messages, told, results)

    async def _closed(
        self, messages: Sequence[Message], told: Sequence[str], results: tuple[Result, ...]
    ) -> Research:
        """What can be said without another search, to a model that is offered none."""
        last = await self._asked(messages, offers=False)
        if last.calls:
            await self.desk.invoke_tools(last.text, last.calls, len(results), NONE_LEFT)
        objection = self.judge.objection(last.text, told, results)
        return Research("out of rounds", last.text or last.refusal, results, objection or "")

    async def _asked(self, messages: Sequence[Message], *, offers: bool = True) -> Reply:
        """One completion: before anything was searched for, or over what was found."""
        searched = any(message["role"] == "tool" for message in messages)
        request: dict[str, Any] = {"model": self.model, "messages": messages}
        if offers:
            request["tools"] = [tool.offer for tool in self.desk.tools.values()]
        name = "reflect_tool_calls" if searched else "get_tool_calls"
        with mlflow.start_span(name, span_type=SpanType.LLM) as span:
            record_request(span, AGENT, request)
            said = plain(await self.client.chat.completions.create(**request))
            record_response(span, said)
        # After the span: the completion did not fail, what it says is of no use.
        return Reply.of(said)

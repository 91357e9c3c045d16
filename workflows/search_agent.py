"""A search agent: a function-calling loop whose MLflow spans are opened by hand.

    task ──▶ call_model ──────▶ validate ──▶ answer
              │      ▲  ▲           │
        calls ▼      │  └───────────┘ objection
             call_tools

The trace of a run:

    research                  CHAIN      the task and the answer
      searcher                AGENT      the agent's turn
        chat_completion       LLM        one request: messages, tools, reply, tokens
        invoke_tools          CHAIN      the calls of one reply, made concurrently
          web_search          TOOL       one call: its arguments, and its hits or its error
          search_index        TOOL
            GET /search       RETRIEVER  written by the index service, in its own process
        chat_completion       LLM
        judge_answer          GUARDRAIL  do the results support the answer?

Read on in `support/clients/openai.py`; in `support/search/`: `session.py`, `tools.py`, `checks.py`.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import mlflow
from mlflow.entities import SpanType

from instrumentation import record_request, record_response
from workflows.model import Model
from workflows.support import search
from workflows.support.clients.openai import Reply, ToolCall, openai_client, to_plain_data
from workflows.support.search.session import SearchAnswer, Session, call_tools, open_tools

AGENT = "searcher"
SYSTEM_PROMPT = """\
You answer questions about countries from what your tools find, not from memory. Say in a sentence
what you look up, and about which country, then call: search_index for lasting facts about one
country, web_search for the rest; several calls at once where they do not depend on each other.
In the answer, cite each result where you use it, as [1] or [2]. Where results disagree, say so.
What could not be looked up, you name, and you do not guess it."""
NO_ROUNDS_LEFT = "no round is left: answer from what was found"


class SearchAgent:
    """Answers a question from search results. To change one decision, override one method."""

    system_prompt = SYSTEM_PROMPT
    max_rounds = 4
    max_revisions = 2

    def __init__(
        self,
        model: Model,
        *,
        tavily: str = "https://api.tavily.com",
        tavily_key: str | None = None,
        index: str = "http://127.0.0.1:8765",
        on_chunk: Callable[[str, str], None] | None = None,
    ) -> None:
        """`on_chunk` is called once, with the agent's name and its answer."""
        self.model, self.on_chunk = model, on_chunk
        self.services = tavily, tavily_key, index

    async def run(self, task: str) -> SearchAnswer:
        """Answer the task. Raises `TruncatedAnswerError`, and the errors of the OpenAI client."""
        with mlflow.start_span("research", span_type=SpanType.CHAIN) as span:
            span.set_inputs({"task": task})
            tags = {"date": f"{date.today():%Y%m%d}", "model": self.model.name}
            mlflow.update_current_trace(tags=tags)
            async with (
                openai_client(self.model, AGENT) as client,
                open_tools(*self.services, self.model.timeout_s, self.retry_delay_s) as tools,
            ):
                session = Session(AGENT, task, self.system_prompt, client, tools)
                with mlflow.start_span(AGENT, span_type=SpanType.AGENT) as turn:
                    turn.set_inputs({"task": task})
                    answer = await self.find_answer(session)
                    turn.set_outputs(answer.summary)
            span.set_attribute("flight_recorder.workflow.outcome", answer.outcome)
            span.set_outputs(answer.summary)
        if self.on_chunk:
            self.on_chunk(AGENT, answer.text)
        return answer

    async def find_answer(self, session: Session) -> SearchAnswer:
        """Let the model search until it answers, and revise until its answer is supported."""
        revisions = 0
        for rounds_left in range(self.max_rounds, -1, -1):
            reply = await self.call_model(session)
            if reply.refusal:
                return session.end("refused", reply.refusal)
            if reply.calls:
                rejection = "" if rounds_left else NO_ROUNDS_LEFT
                await call_tools(session, reply, self.run_tool, rejection)
            elif (objection := await self.validate(session, reply.text)) is None:
                return session.end("answered", reply.text)
            elif rounds_left == 0 or revisions == self.max_revisions:
                return session.end("unsupported", reply.text, objection)
            else:
                revisions += 1
                session.messages.append({"role": "user", "content": objection})
        reply = await self.call_model(session, offer_tools=False)
        if reply.calls:
            await call_tools(session, reply, self.run_tool, NO_ROUNDS_LEFT)
        objection = await self.validate(session, reply.text)
        return session.end("out of rounds", reply.text or reply.refusal, objection)

    async def call_model(self, session: Session, *, offer_tools: bool = True) -> Reply:
        request: dict[str, Any] = {"model": self.model.name, "messages": list(session.messages)}
        if offer_tools:
            request["tools"] = [tool.definition for tool in session.tools]
        with mlflow.start_span("chat_completion", span_type=SpanType.LLM) as span:
            record_request(span, AGENT, request)
            completion = to_plain_data(await session.client.chat.completions.create(**request))
            record_response(span, completion)
        reply = Reply.from_completion(completion)  # outside the span: the request succeeded
        session.messages.append(reply.message)
        return reply

    async def run_tool(
        self, session: Session, announcement: str, call: ToolCall
    ) -> Sequence[search.Hit]:
        """Make one call. A `ToolError` is recorded and reported to the model; the run goes on."""
        tool = session.tool(call.name)
        arguments = tool.parse(call.arguments)
        if reason := search.object_to_other_country(session.task, announcement, arguments):
            raise search.CallRejectedError(reason)
        return await tool.search(**arguments)

    def retry_delay_s(self, attempt: int, retry_after_s: float | None) -> float | None:
        """How long to wait before asking an unavailable index again; None gives up."""
        delay_s = 0.5 * attempt if retry_after_s is None else retry_after_s
        return delay_s if attempt <= 2 and delay_s <= 5.0 else None

    async def validate(self, session: Session, answer: str) -> str | None:
        """Return an objection for the model, or None for an answer that is supported."""
        with mlflow.start_span("judge_answer", span_type=SpanType.GUARDRAIL) as span:
            span.set_inputs({"answer": answer})
            objection = self.find_objection(session, answer)
            span.set_attribute("flight_recorder.guardrail.passed", objection is None)
            span.set_outputs({"objection": objection})
        return objection

    def find_objection(self, session: Session, answer: str) -> str | None:
        if not answer.strip():
            return "The answer is empty: answer the task, or search."
        objection = search.object_to_unsupported_figures(answer, session.all_texts)
        return objection or search.object_to_misquotes(answer, session.results, session.known_texts)

"""A search agent whose answers are rated by a judge: a second model, with a rubric.

    searcher ──answer──▶ judge ──passes──▶ the answer
        ▲                  │
        └────rationale─────┘ fails

The trace is that of `search_agent.py`, with the judge's turn inside the guardrail:

    research                    CHAIN
      searcher                  AGENT
        chat_completion         LLM
        judge_answer            GUARDRAIL  did the judge pass the answer?
          judge                 AGENT
            chat_completion     LLM        the rubric, the results and the answer; the verdict
        invoke_tools …

The judge is a model, too: it is right as often as its rubric lets it be. Read `rubrics.py` next,
and `evaluation.py`, which gives the same rubrics to `mlflow.genai.make_judge`.
"""

import json
from typing import Any

import mlflow
from mlflow.entities import SpanType

from instrumentation import record_request, record_response
from workflows.lifecycle import rubrics
from workflows.search_agent import SearchAgent
from workflows.support.clients.openai import InvalidReplyError, Reply, openai_client, to_plain_data
from workflows.support.search.session import Session

JUDGE = "judge"
ANSWER_FORM = 'Answer with JSON alone: {"rationale": "why", "passes": true or false}'


class JudgedSearchAgent(SearchAgent):
    """Answers a question once a judge passes the answer. Change the judge by its rubric."""

    rubric = rubrics.GROUNDEDNESS

    async def validate(self, session: Session, answer: str) -> str | None:
        """Return the judge's rationale as an objection, or None for an answer that passes."""
        with mlflow.start_span("judge_answer", span_type=SpanType.GUARDRAIL) as span:
            span.set_inputs({"answer": answer})
            objection = await self.find_judged_objection(session, answer)
            span.set_attribute("flight_recorder.guardrail.passed", objection is None)
            span.set_outputs({"objection": objection})
        return objection

    async def find_judged_objection(self, session: Session, answer: str) -> str | None:
        results = "\n".join(map(str, session.results)) or "none"
        question = f"Task: {session.task}\n\nResults: {results}\n\nAnswer: {answer}"
        request: dict[str, Any] = {
            "model": self.model.name,
            "messages": [
                {"role": "system", "content": f"{self.rubric}\n{ANSWER_FORM}"},
                {"role": "user", "content": question},
            ],
            "response_format": {"type": "json_object"},
        }
        with mlflow.start_span(JUDGE, span_type=SpanType.AGENT) as turn:
            turn.set_inputs({"task": session.task, "answer": answer})
            verdict = await self.call_judge(request)
            turn.set_outputs(verdict)
        return None if verdict["passes"] else verdict["rationale"]

    async def call_judge(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask the judge. Raises `InvalidReplyError` for a reply without a verdict."""
        async with openai_client(self.model, JUDGE) as client:
            with mlflow.start_span("chat_completion", span_type=SpanType.LLM) as span:
                record_request(span, JUDGE, request)
                completion = to_plain_data(await client.chat.completions.create(**request))
                record_response(span, completion)
        text = Reply.from_completion(completion).text
        try:
            verdict = json.loads(text)
            return {"passes": verdict["passes"] is True, "rationale": str(verdict["rationale"])}
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidReplyError(f"expected {ANSWER_FORM!r}, found {text[:200]!r}") from error

"""Runs of the search agent on scripted tapes, and the tape lines that they are made of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from instrumentation import Span, Trace, enable_tracing, record_run, trace_from_mlflow
from scenarios.player.fidelity import Fidelity, measure_fidelity
from scenarios.replay.faults import Fault
from scenarios.replay.ledger import Ledger
from scenarios.replay.replay_server import replay_tape
from tests.support.tapes import make_tape, reply_line, service_line
from workflows.model import Model
from workflows.search_agent import SearchAgent
from workflows.support.search.session import SearchAnswer

KEY = "tvly-not-a-key"
FRANCE = {
    "title": "France",
    "text": "France covers 551,500 km2, Corsica included.",
    "source": "https://unstats.un.org/unsd/demographic-social/products/dyb/",
}
GERMANY = {
    "title": "Germany",
    "text": "Germany covers 357,022 km2.",
    "source": "https://www.cia.gov/the-world-factbook/",
}


@dataclass(frozen=True)
class SearchRun:
    """A finished run: its answer or error, its trace, and the server's log."""

    outcome: SearchAnswer | BaseException
    trace: Trace
    ledger: Ledger
    unplayed: int
    stored_json: str
    """Everything that MLflow stores of it, as JSON."""

    @property
    def answer(self) -> SearchAnswer:
        assert isinstance(self.outcome, SearchAnswer), repr(self.outcome)
        return self.outcome

    @property
    def fidelity(self) -> Fidelity:
        return measure_fidelity(self.ledger, self.trace)

    @property
    def tools(self) -> tuple[Span, ...]:
        return self.trace.spans_of_type("TOOL")

    @property
    def tool_results(self) -> list[str]:
        """The results of its calls, as they are in the last request."""
        messages = self.trace.spans_of_type("LLM")[-1].inputs["messages"]
        return [message["content"] for message in messages if message["role"] == "tool"]


async def run_search(
    store: str,
    *lines: dict[str, Any],
    faults: tuple[Fault, ...] = (),
    task: str = "How large is FRA?",
    agent: type[SearchAgent] = SearchAgent,
    model_options: Mapping[str, Any] = MappingProxyType({}),
    **options: Any,
) -> SearchRun:
    """Run the agent on a tape of these lines; an error that it raises is the run's outcome."""
    with enable_tracing(store, frameworks=()), record_run() as recorded:
        with replay_tape(make_tape(*lines), faults) as replay:
            model = replace(Model("taped", replay.base_url, "taped"), **model_options)
            services = {"tavily": replay.url, "index": replay.url, "tavily_key": KEY}
            outcome: SearchAnswer | BaseException
            try:
                outcome = await agent(model, **{**services, **options}).run(task)
            except Exception as error:  # the test checks which one
                outcome = error
            assert not replay.refusals, str(replay.refusals[0])
        exported = [one.to_dict() for one in recorded.traces()]
        unplayed = len(replay.unplayed_lines)
        return SearchRun(
            outcome,
            trace_from_mlflow(exported),
            replay.ledger,
            unplayed,
            json.dumps(exported),
        )


def tool_call_line(
    *functions: tuple[str, Any], text: str | None = None, **more: Any
) -> dict[str, Any]:
    """A reply with tool calls: a name each, and arguments as an object or as text."""
    calls = [{"name": name, "arguments": arguments} for name, arguments in functions]
    return reply_line("searcher", text, tool_calls=calls, **more)


def answer_line(text: str | None, when: str | None = None, **more: Any) -> dict[str, Any]:
    return reply_line("searcher", text, when, **more)


def web_results_line(*hits: dict[str, str], status: int = 200, **more: Any) -> dict[str, Any]:
    """A response of Tavily, in its own shape (docs.tavily.com, Search; tavily-python 0.8.5)."""
    results = [
        {
            "url": hit["source"],
            "title": hit["title"],
            "content": hit["text"],
            "score": 0.9,
            "raw_content": None,
        }
        for hit in hits
    ]
    reply = {
        "query": "area of FRA",
        "follow_up_questions": None,
        "answer": None,
        "images": [],
        "results": results,
        "response_time": 1.09,
        "request_id": "123e4567-e89b-12d3-a456-426614174111",
    }
    return service_line("tavily", "/search", reply, **more)


def index_results_line(*hits: dict[str, str], **more: Any) -> dict[str, Any]:
    """A response of our own index."""
    results = [{**hit, "score": 1.5} for hit in hits]
    return service_line("index", "/search", {"results": results}, method="GET", **more)


def failing_search_line(lane: str, status: int, body: Any) -> dict[str, Any]:
    """An error response of a search service."""
    method = {"tavily": "POST", "index": "GET"}[lane]
    line = service_line(lane, "/search", body, method=method)
    line["reply"]["status"] = status
    return line


WEB = ("web_search", {"query": "area of FRA"})
INDEX = ("search_index", {"query": "area", "country": "FRA"})
ANSWER = "FRA covers 551,500 km² [1]."

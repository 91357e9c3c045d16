"""Tool calls of the search agent that fail: the model reads why, and the run goes on."""

import asyncio
import json
import random
import threading
from collections.abc import Generator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.replay.faults import (
    Fault,
    drops_connection,
    hangs,
    malformed_reply,
    rate_limited,
    unavailable,
)
from tests.support.search_runs import (
    ANSWER,
    FRANCE,
    INDEX,
    KEY,
    WEB,
    SearchRun,
    answer_line,
    failing_search_line,
    index_results_line,
    run_search,
    tool_call_line,
    web_results_line,
)
from workflows.model import Model
from workflows.search_agent import SearchAgent
from workflows.support.search.checks import object_to_other_country
from workflows.support.search.search_index import CountryQuery
from workflows.support.search.tools import Hit, InvalidArgumentsError, SearchFailedError, Tool
from workflows.support.search.web_search import Query, WebSearch, web_search_tool

GONE = {"error": "no index is loaded: documents.jsonl cannot be read"}


def check_failed_call(run: SearchRun, message: str) -> None:
    """The only call failed, its error was reported to the model, and the run went on."""
    (tool,), (result,) = run.tools, run.tool_results
    assert run.answer.outcome == "answered"
    assert tool.failed
    assert message in tool.status_message
    assert result.startswith("error: ")
    assert message in result
    assert run.fidelity.is_complete


async def test_an_unknown_tool_gets_a_list_of_the_known_ones(store: str) -> None:
    run = await run_search(store, tool_call_line(("fetch", {"url": "x"})), answer_line("I can't."))
    check_failed_call(run, "no tool is named 'fetch'; there are: web_search, search_index")


async def test_arguments_that_are_not_json_get_the_parse_error(store: str) -> None:
    run = await run_search(
        store, tool_call_line(("web_search", '{"query": "area')), answer_line("I can't.")
    )
    check_failed_call(run, "Invalid JSON: EOF while parsing a string at line 1 column 15")
    assert run.tools[0].inputs == {"arguments": '{"query": "area'}


async def test_arguments_that_do_not_match_the_schema_get_the_field(store: str) -> None:
    run = await run_search(
        store,
        tool_call_line(("search_index", {"query": "area", "country": "France"})),
        answer_line("I can't."),
    )
    check_failed_call(run, "country: String should match pattern '^[A-Z]{3}$'")


async def test_a_call_about_another_country_than_announced_is_rejected(store: str) -> None:
    other = ("search_index", {"query": "area", "country": "DEU"})
    run = await run_search(
        store, tool_call_line(other, text="I look up FRA."), answer_line("I can't.")
    )
    check_failed_call(run, "you said that you would ask about FRA, and it asks about DEU")
    assert not any(exchange.lane == "index" for exchange in run.ledger.exchanges)


@pytest.mark.parametrize(
    ("announcement", "arguments", "made"),
    [
        ("I look up FRA.", {"query": "area", "country": "FRA"}, True),
        ("I look up FRA.", {"query": "area", "country": "USA"}, False),
        ("I look up FRA.", {"query": "area of DEU"}, False),
        ("I compare FRA with DEU.", {"query": "area", "country": "DEU"}, True),
        ("I look up the GDP of FRA.", {"query": "GDP", "country": "FRA"}, True),
        ("I look up its GDP.", {"query": "GDP", "country": "DEU"}, True),
        ("", {"query": "area", "country": "DEU"}, True),
        ("I look up FRA.", {"query": "longest river"}, True),
    ],
)
def test_a_call_is_compared_with_its_announcement(
    announcement: str, arguments: dict[str, str], made: bool
) -> None:
    objection = object_to_other_country("Is FRA larger than DEU?", announcement, arguments)
    assert (objection is None) is made


@pytest.mark.parametrize(
    ("announcement", "arguments"),
    [
        ("I look up the GDP.", {"query": "GDP", "country": "FRA"}),
        ("I look up FRA.", {"query": "GDP in USD"}),
    ],
)
def test_other_words_of_three_capitals_are_not_countries(
    announcement: str, arguments: dict[str, str]
) -> None:
    assert (
        object_to_other_country("What is the GDP of FRA in USD?", announcement, arguments) is None
    )


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "does not understand"),
        (401, "refuses the key"),
        (403, "is not allowed"),
        (429, "its limit is reached"),
        (432, "is not allowed"),
        (500, "HTTP 500"),
    ],
)
async def test_an_error_of_the_web_search_is_reported(
    store: str, status: int, message: str
) -> None:
    body = {"detail": {"error": f"of no use: {KEY}"}}
    run = await run_search(
        store,
        tool_call_line(WEB),
        failing_search_line("tavily", status, body),
        answer_line("I can't."),
    )
    check_failed_call(run, message)
    assert [attempt.name for attempt in run.trace.spans_of_type("ATTEMPT")] == [f"HTTP {status}"]


async def test_the_key_of_the_web_search_is_not_in_the_trace(store: str) -> None:
    body = {"detail": {"error": f"Unauthorized: no such key: {KEY}"}}
    run = await run_search(
        store,
        tool_call_line(WEB),
        failing_search_line("tavily", 401, body),
        answer_line("I can't."),
    )
    assert "HTTP 401" in run.stored_json
    assert KEY not in run.stored_json


@pytest.mark.parametrize(
    ("call", "fault", "message"),
    [
        (WEB, drops_connection("tavily"), "it did not answer (RemoteProtocolError)"),
        (WEB, hangs("tavily"), "no answer within 0.5 s"),
        (WEB, unavailable("tavily"), "HTTP 503"),
        (WEB, rate_limited("tavily"), "its limit is reached"),
        (INDEX, drops_connection("index"), "it did not answer (RemoteProtocolError)"),
        (INDEX, hangs("index"), "it did not answer (ReadTimeout)"),
        (INDEX, unavailable("index", status=500), "HTTP 500"),
        (WEB, malformed_reply("tavily"), "unexpected structure"),
        (INDEX, malformed_reply("index"), "unexpected structure"),
    ],
)
async def test_a_failed_search_is_reported_and_recorded(
    store: str, call: Any, fault: Fault, message: str
) -> None:
    lines = tool_call_line(call), answer_line("I can't.")
    service = web_results_line(FRANCE) if call is WEB else index_results_line(FRANCE)
    run = await run_search(
        store, *lines, service, faults=(fault,), model_options={"timeout_s": 0.5}
    )
    check_failed_call(run, message)
    assert run.trace.spans_of_type("ATTEMPT")


@pytest.mark.parametrize("call", [WEB, INDEX])
async def test_an_invalid_address_is_reported(store: str, call: Any) -> None:
    nowhere = "http://127.0.0.1:port"
    run = await run_search(
        store, tool_call_line(call), answer_line("I can't."), tavily=nowhere, index=nowhere
    )
    check_failed_call(run, "it did not answer (InvalidURL)")


async def test_without_a_timeout_a_slow_web_search_still_times_out() -> None:
    async def late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too late", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(late)) as http:
        with pytest.raises(SearchFailedError, match="no answer within 60 s"):
            await WebSearch("http://127.0.0.1", KEY, http, None).search(query="France")


@pytest.mark.parametrize("reply", [[], None, "gone", {"results": [{"title": "France"}]}])
@pytest.mark.parametrize("call", [WEB, INDEX])
async def test_a_response_of_another_shape_is_reported(store: str, call: Any, reply: Any) -> None:
    lane = "tavily" if call is WEB else "index"
    run = await run_search(
        store, tool_call_line(call), failing_search_line(lane, 200, reply), answer_line("I can't.")
    )
    check_failed_call(run, "unexpected structure")


async def test_a_search_without_hits_is_reported_as_no_results(store: str) -> None:
    run = await run_search(
        store, tool_call_line(WEB), web_results_line(), answer_line("There is nothing.")
    )
    assert run.tool_results == ["no results"]
    assert not run.tools[0].failed


async def test_an_unavailable_index_is_retried_after_its_delay(store: str) -> None:
    lines = (
        tool_call_line(INDEX),
        failing_search_line("index", 503, GONE),
        index_results_line(FRANCE),
        answer_line(ANSWER),
    )
    run = await run_search(store, *lines)
    assert run.answer.text == ANSWER
    assert run.tools[0].attributes["flight_recorder.http.attempts"] == 2
    assert [attempt.name for attempt in run.trace.spans_of_type("ATTEMPT")] == ["HTTP 503"]
    assert run.fidelity.is_complete


async def test_an_index_that_stays_unavailable_is_given_up_with_its_reason(store: str) -> None:
    lines = (
        tool_call_line(INDEX),
        *[failing_search_line("index", 503, GONE)] * 3,
        answer_line("I can't."),
    )
    run = await run_search(store, *lines)
    check_failed_call(run, f"the index is unavailable, asked 3 times: {GONE['error']}")


@pytest.mark.parametrize(
    ("attempt", "retry_after_s", "delay_s"),
    [(1, 3.0, 3.0), (1, None, 0.5), (2, None, 1.0), (2, 0.0, 0.0), (3, 0.0, None), (1, 60.0, None)],
)
def test_retries_of_the_index_are_bounded(
    attempt: int, retry_after_s: float | None, delay_s: float | None
) -> None:
    agent = SearchAgent(Model("taped", "http://127.0.0.1", "key"))
    assert agent.retry_delay_s(attempt, retry_after_s) == delay_s


async def search_nothing(**arguments: str) -> list[Hit]:
    return []


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_arguments_raise_only_invalid_arguments_errors(arguments: str) -> None:
    for schema in (Query, CountryQuery):
        tool = Tool("search", "Search.", schema, search_nothing)
        with suppress(InvalidArgumentsError):
            assert set(tool.parse(arguments)) == set(schema.model_fields)


SHAPED = st.dictionaries(st.sampled_from(["query", "country", "extra"]), st.text() | st.integers())


@settings(max_examples=10, deadline=None)
@given(st.lists(st.text() | SHAPED.map(json.dumps), min_size=1, max_size=20))
def test_any_arguments_end_as_a_message(store: str, arguments: list[str]) -> None:
    random.seed()  # Hypothesis sets it, and OpenTelemetry would number each trace alike
    made = [("no_tool" if n % 7 == 6 else "search_index", one) for n, one in enumerate(arguments)]
    found = [index_results_line(FRANCE) for _ in made]
    run = asyncio.run(run_search(store, tool_call_line(*made), *found, answer_line("Done.")))
    assert run.answer.text == "Done."
    assert len(run.tool_results) == len(run.tools) == len(made)
    assert run.fidelity.is_complete


@pytest.mark.parametrize(
    "arguments", [r'{"query": "\ud800"}', '{"a":' + "[" * 900 + "]" * 900 + "}"]
)
async def test_arguments_that_no_store_can_hold_do_not_lose_the_trace(
    store: str, arguments: str
) -> None:
    run = await run_search(
        store, tool_call_line(("web_search", arguments)), answer_line("I can't.")
    )
    check_failed_call(run, "Invalid JSON")
    assert run.tools[0].inputs == {"arguments": arguments}


class Tavily(BaseHTTPRequestHandler):
    """A web search that keeps the request headers, and finds a text cut inside an emoji."""

    def do_POST(self) -> None:
        self.server.headers.append(dict(self.headers))  # type: ignore[attr-defined] # ours, below
        self.rfile.read(int(self.headers["content-length"]))
        hit = {"title": None, "content": "France \ud83c", "url": "here", "score": 1.0}
        body = json.dumps({"results": [hit]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def tavily() -> Generator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tavily)
    server.headers = []  # type: ignore[attr-defined] # where the handler keeps them
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def search_once(server: ThreadingHTTPServer, key: str | None) -> tuple[dict[str, str], Any]:
    """The headers of one search, by their names in small letters, and what it found."""
    async with web_search_tool(f"http://127.0.0.1:{server.server_port}", key, 5.0) as tool:
        found = await tool.search(query="France")
    (headers,) = server.headers  # type: ignore[attr-defined] # as above
    return dict(httpx.Headers(headers)), found


async def test_the_key_is_sent_to_the_web_search(tavily: ThreadingHTTPServer) -> None:
    headers, _ = await search_once(tavily, KEY)
    assert headers["authorization"] == f"Bearer {KEY}"
    assert "x-tavily-access-mode" not in headers


async def test_without_a_key_the_web_search_is_keyless_whatever_the_environment_has(
    tavily: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAVILY_API_KEY", "tvly-of-the-environment")
    headers, _ = await search_once(tavily, None)
    assert headers["x-tavily-access-mode"] == "keyless"
    assert "authorization" not in headers


async def test_a_text_cut_inside_a_character_is_made_storable(tavily: ThreadingHTTPServer) -> None:
    _, found = await search_once(tavily, None)
    assert found == [{"title": "", "text": "France ?", "source": "here"}]

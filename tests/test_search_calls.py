"""Calls of the search agent that find nothing: each is told to the model, seen, and ends no run."""

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

from instrumentation.http_attempts.http_client import traced_http_client
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
from workflows.index_search import twice_more
from workflows.search_arguments import (
    BadArguments,
    CountryQuery,
    Query,
    as_it_said,
    as_it_takes,
)
from workflows.search_tools import NoAnswer
from workflows.web_search import web_search

GONE = {"error": "no index is loaded: documents.jsonl cannot be read"}


def told_once(ran: SearchRun, saying: str) -> None:
    """The one call failed, said why to the model, and the run went on to an answer."""
    (tool,), (told,) = ran.tools, ran.tool_results
    assert ran.research.outcome == "answered"
    assert tool.failed
    assert saying in tool.status_message
    assert told.startswith("error: ")
    assert saying in told
    assert ran.fidelity.is_complete


async def test_an_unknown_tool_is_told_which_there_are(store: str) -> None:
    ran = await run_search(store, tool_call_line(("fetch", {"url": "x"})), answer_line("I can't."))
    told_once(ran, "no tool is named 'fetch'; there are: web_search, search_index")


async def test_arguments_that_are_no_json_are_told_what_is_wrong(store: str) -> None:
    ran = await run_search(
        store, tool_call_line(("web_search", '{"query": "area')), answer_line("I can't.")
    )
    told_once(ran, "Invalid JSON: EOF while parsing a string at line 1 column 15")
    assert ran.tools[0].inputs == {"arguments": '{"query": "area'}


async def test_arguments_that_do_not_fit_are_told_which_field(store: str) -> None:
    ran = await run_search(
        store,
        tool_call_line(("search_index", {"query": "area", "country": "France"})),
        answer_line("I can't."),
    )
    told_once(ran, "country: String should match pattern '^[A-Z]{3}$'")


async def test_a_call_about_another_country_than_was_said_is_not_made(store: str) -> None:
    other = ("search_index", {"query": "area", "country": "DEU"})
    ran = await run_search(
        store, tool_call_line(other, text="I look up FRA."), answer_line("I can't.")
    )
    told_once(ran, "you said that you would ask about FRA, and it asks about DEU")
    assert not any(exchange.lane == "index" for exchange in ran.ledger.exchanges)


@pytest.mark.parametrize(
    ("said", "arguments", "made"),
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
def test_what_is_said_is_held_against_the_call(
    said: str, arguments: dict[str, str], made: bool
) -> None:
    objection = as_it_said("Is FRA larger than DEU?", said, arguments)
    assert (objection is None) is made


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("I look up the GDP.", {"query": "GDP", "country": "FRA"}),
        ("I look up FRA.", {"query": "GDP in USD"}),
    ],
)
def test_other_words_of_three_capitals_in_the_task_are_no_countries(
    said: str, arguments: dict[str, str]
) -> None:
    assert as_it_said("What is the GDP of FRA in USD?", said, arguments) is None


@pytest.mark.parametrize(
    ("status", "saying"),
    [
        (400, "does not understand"),
        (401, "refuses the key"),
        (403, "is not allowed"),
        (429, "its limit is reached"),
        (432, "is not allowed"),
        (500, "HTTP 500"),
    ],
)
async def test_an_error_of_the_web_search_is_told(store: str, status: int, saying: str) -> None:
    said = {"detail": {"error": f"of no use: {KEY}"}}
    ran = await run_search(
        store,
        tool_call_line(WEB),
        failing_search_line("tavily", status, said),
        answer_line("I can't."),
    )
    told_once(ran, saying)
    assert [attempt.name for attempt in ran.trace.spans_of_type("ATTEMPT")] == [f"HTTP {status}"]


async def test_the_key_of_the_web_search_is_not_in_the_trace(store: str) -> None:
    said = {"detail": {"error": f"Unauthorized: no such key: {KEY}"}}
    ran = await run_search(
        store,
        tool_call_line(WEB),
        failing_search_line("tavily", 401, said),
        answer_line("I can't."),
    )
    assert "HTTP 401" in ran.stored_json
    assert KEY not in ran.stored_json


@pytest.mark.parametrize(
    ("call", "fault", "saying"),
    [
        (WEB, drops_connection("tavily"), "it did not answer (RemoteProtocolError)"),
        (WEB, hangs("tavily"), "no answer within 0.5 s"),
        (WEB, unavailable("tavily"), "HTTP 503"),
        (WEB, rate_limited("tavily"), "its limit is reached"),
        (INDEX, drops_connection("index"), "it did not answer (RemoteProtocolError)"),
        (INDEX, hangs("index"), "it did not answer (ReadTimeout)"),
        (INDEX, unavailable("index", status=500), "HTTP 500"),
        (WEB, malformed_reply("tavily"), "an answer of another shape"),
        (INDEX, malformed_reply("index"), "an answer of another shape"),
    ],
)
async def test_a_search_that_gives_no_answer_is_told_and_seen(
    store: str, call: Any, fault: Fault, saying: str
) -> None:
    lines = tool_call_line(call), answer_line("I can't.")
    service = web_results_line(FRANCE) if call is WEB else index_results_line(FRANCE)
    ran = await run_search(store, *lines, service, faults=(fault,), deadline_s=0.5)
    told_once(ran, saying)
    assert ran.trace.spans_of_type("ATTEMPT")


@pytest.mark.parametrize("call", [WEB, INDEX])
async def test_an_address_that_is_none_is_told(store: str, call: Any) -> None:
    nowhere = "http://127.0.0.1:port"
    ran = await run_search(
        store, tool_call_line(call), answer_line("I can't."), tavily=nowhere, index=nowhere
    )
    told_once(ran, "it did not answer (InvalidURL)")


async def test_without_a_deadline_a_web_search_that_takes_too_long_is_told() -> None:
    async def late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too late", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(late)) as http:
        with pytest.raises(NoAnswer, match="no answer within 60 s"):
            await web_search("http://127.0.0.1", KEY, http, None).search(query="France")


@pytest.mark.parametrize("reply", [[], None, "gone", {"results": [{"title": "France"}]}])
@pytest.mark.parametrize("call", [WEB, INDEX])
async def test_an_answer_of_another_shape_is_told(store: str, call: Any, reply: Any) -> None:
    lane = "tavily" if call is WEB else "index"
    ran = await run_search(
        store, tool_call_line(call), failing_search_line(lane, 200, reply), answer_line("I can't.")
    )
    told_once(ran, "an answer of another shape")


async def test_a_search_that_finds_nothing_says_so(store: str) -> None:
    ran = await run_search(
        store, tool_call_line(WEB), web_results_line(), answer_line("There is nothing.")
    )
    assert ran.tool_results == ["no results"]
    assert not ran.tools[0].failed


async def test_an_unavailable_index_is_asked_again_when_it_says(store: str) -> None:
    lines = (
        tool_call_line(INDEX),
        failing_search_line("index", 503, GONE),
        index_results_line(FRANCE),
        answer_line(ANSWER),
    )
    ran = await run_search(store, *lines)
    assert ran.research.answer == ANSWER
    assert ran.tools[0].attributes["flight_recorder.http.attempts"] == 2
    assert [attempt.name for attempt in ran.trace.spans_of_type("ATTEMPT")] == ["HTTP 503"]
    assert ran.fidelity.is_complete


async def test_an_index_that_stays_unavailable_is_given_up_with_its_reason(store: str) -> None:
    lines = (
        tool_call_line(INDEX),
        *[failing_search_line("index", 503, GONE)] * 3,
        answer_line("I can't."),
    )
    ran = await run_search(store, *lines)
    told_once(ran, f"the index is unavailable, asked 3 times: {GONE['error']}")


@pytest.mark.parametrize(
    ("asked", "retry_after_s", "wait_s"),
    [(1, 3.0, 3.0), (1, None, 0.5), (2, None, 1.0), (2, 0.0, 0.0), (3, 0.0, None), (1, 60.0, None)],
)
def test_patience_with_the_index_has_a_bound(
    asked: int, retry_after_s: float | None, wait_s: float | None
) -> None:
    assert twice_more(asked, retry_after_s) == wait_s


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_no_arguments_raise_anything_else(arguments: str) -> None:
    for shape in (Query, CountryQuery):
        with suppress(BadArguments):
            assert set(as_it_takes(arguments, shape)) == set(shape.model_fields)


SHAPED = st.dictionaries(st.sampled_from(["query", "country", "extra"]), st.text() | st.integers())


@settings(max_examples=10, deadline=None)
@given(st.lists(st.text() | SHAPED.map(json.dumps), min_size=1, max_size=20))
def test_whatever_the_arguments_each_call_ends_as_a_message(
    store: str, arguments: list[str]
) -> None:
    random.seed()  # Hypothesis sets it, and OpenTelemetry would number each trace alike
    made = [("no_tool" if n % 7 == 6 else "search_index", one) for n, one in enumerate(arguments)]
    found = [index_results_line(FRANCE) for _ in made]
    ran = asyncio.run(run_search(store, tool_call_line(*made), *found, answer_line("Done.")))
    assert ran.research.answer == "Done."
    assert len(ran.tool_results) == len(ran.tools) == len(made)
    assert ran.fidelity.is_complete


@pytest.mark.parametrize(
    "arguments", [r'{"query": "\ud800"}', '{"a":' + "[" * 900 + "]" * 900 + "}"]
)
async def test_arguments_that_no_store_can_hold_lose_no_trace(store: str, arguments: str) -> None:
    ran = await run_search(
        store, tool_call_line(("web_search", arguments)), answer_line("I can't.")
    )
    told_once(ran, "Invalid JSON")
    assert ran.tools[0].inputs == {"arguments": arguments}


class Tavily(BaseHTTPRequestHandler):
    """A web search that keeps the headers it is sent, and finds a text cut inside an emoji."""

    heard: dict[str, str]

    def do_POST(self) -> None:
        self.server.heard.append(dict(self.headers))  # type: ignore[attr-defined] # ours, below
        self.rfile.read(int(self.headers["content-length"]))
        hit = {"title": None, "content": "France \ud83c", "url": "here", "score": 1.0}
        body = json.dumps({"results": [hit]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on the terminal."""


@pytest.fixture
def tavily() -> Generator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tavily)
    server.heard = []  # type: ignore[attr-defined] # where the handler keeps what it hears
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def searched(server: ThreadingHTTPServer, key: str | None) -> tuple[dict[str, str], Any]:
    """The headers of one search, by their names in small letters, and what it found."""
    async with traced_http_client() as http:
        tool = web_search(f"http://127.0.0.1:{server.server_port}", key, http, 5.0)
        found = await tool.search(query="France")
    (heard,) = server.heard  # type: ignore[attr-defined] # as above
    return dict(httpx.Headers(heard)), found


async def test_the_key_is_sent_to_the_web_search(tavily: ThreadingHTTPServer) -> None:
    heard, _ = await searched(tavily, KEY)
    assert heard["authorization"] == f"Bearer {KEY}"
    assert "x-tavily-access-mode" not in heard


async def test_without_a_key_the_web_search_is_asked_as_keyless_whatever_the_environment_has(
    tavily: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAVILY_API_KEY", "tvly-of-the-environment")
    heard, _ = await searched(tavily, None)
    assert heard["x-tavily-access-mode"] == "keyless"
    assert "authorization" not in heard


async def test_a_text_cut_inside_a_character_can_be_sent_on(tavily: ThreadingHTTPServer) -> None:
    _, found = await searched(tavily, None)
    assert found == [{"title": "", "text": "France ?", "source": "here"}]

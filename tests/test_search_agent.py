"""The search agent, called as a person's own code would call it."""

import asyncio
from datetime import datetime

import pytest

from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import Fault, drops_connection, hangs, malformed_reply, slow
from scenarios.replay.replay_server import replay_tape
from tests.support.search_runs import (
    ANSWER,
    FRANCE,
    GERMANY,
    INDEX,
    WEB,
    answer_line,
    index_results_line,
    run_search,
    tool_call_line,
    web_results_line,
)
from tests.support.tapes import make_tape
from workflows.model import TruncatedAnswerError, Model
from workflows.search_agent import research


async def test_it_searches_and_answers_from_what_it_found(store: str) -> None:
    ran = await run_search(
        store, tool_call_line(WEB), web_results_line(FRANCE), answer_line(ANSWER)
    )
    assert (ran.research.outcome, ran.research.answer) == ("answered", ANSWER)
    assert ran.tool_results == [f"[1] France ({FRANCE['source']})\n{FRANCE['text']}"]
    assert ran.fidelity.is_complete


async def test_the_trace_shows_each_step_in_its_place(store: str) -> None:
    ran = await run_search(
        store,
        tool_call_line(WEB, INDEX),
        web_results_line(FRANCE),
        index_results_line(FRANCE),
        answer_line(ANSWER),
    )
    (searcher,) = ran.trace.root.children
    assert [span.name for span in searcher.children] == [
        "get_tool_calls",
        "invoke_tools",
        "reflect_tool_calls",
        "judge_answer",
    ]
    assert [span.name for span in searcher.children[1].children] == ["search_index", "web_search"]
    assert ran.trace.root.outputs["sources"] == [f"[1] France ({FRANCE['source']})"]


async def test_it_may_search_again_over_what_it_has_found(store: str) -> None:
    ran = await run_search(
        store,
        tool_call_line(WEB),
        web_results_line(FRANCE),
        tool_call_line(("web_search", {"query": "area of DEU"})),
        web_results_line(GERMANY),
        answer_line("FRA covers 551,500 km² [1], DEU 357,022 km² [2]."),
        task="How large are FRA and DEU?",
    )
    assert ran.research.outcome == "answered"
    assert [result.number for result in ran.research.results] == [1, 2]
    assert [text[:3] for text in ran.tool_results] == ["[1]", "[2]"]


async def test_without_rounds_left_it_says_what_it_knows_and_its_calls_are_on_record(
    store: str,
) -> None:
    lines = tool_call_line(WEB), web_results_line(FRANCE), tool_call_line(WEB), answer_line(ANSWER)
    ran = await run_search(store, *lines, rounds=1)
    assert (ran.research.outcome, ran.research.answer) == ("out of rounds", ANSWER)
    assert [tool.status for tool in ran.tools] == ["OK", "ERROR"]
    assert "tools" not in ran.trace.spans_of_type("LLM")[-1].inputs
    assert ran.fidelity.is_complete


async def test_a_call_of_a_tool_that_was_not_offered_is_on_record(store: str) -> None:
    ran = await run_search(
        store, tool_call_line(WEB), tool_call_line(WEB, text="It is large."), rounds=0
    )
    assert (ran.research.outcome, ran.research.answer) == ("out of rounds", "It is large.")
    assert ran.fidelity.is_complete


async def test_calls_of_one_reply_overlap_and_are_told_in_their_order(store: str) -> None:
    both = ("web_search", {"query": "area of FRA"}), ("web_search", {"query": "area of DEU"})
    lines = web_results_line(FRANCE, when="FRA"), web_results_line(GERMANY, when="DEU")
    faults = (slow("tavily", 1, 0.6), slow("tavily", 2, 0.3))
    ran = await run_search(
        store, tool_call_line(*both), *lines, answer_line("Both are large."), faults=faults
    )
    one, other = ran.tools
    assert max(one.start_ns, other.start_ns) < min(one.end_ns, other.end_ns)
    assert [text.splitlines()[0][:8] for text in ran.tool_results] == ["[1] Fran", "[2] Germ"]


async def test_a_round_bears_counts_of_what_came_of_its_calls(store: str) -> None:
    lines = (
        tool_call_line(WEB, ("fetch", {}), ("web_search", "{")),
        web_results_line(FRANCE, GERMANY),
        answer_line("Large."),
    )
    ran = await run_search(store, *lines)
    (made,) = (span for span in ran.trace if span.name == "invoke_tools")
    counts = {key: made.attributes[key] for key in made.attributes if key.startswith("tool.")}
    assert counts == {
        "flight_recorder.tool.call_count": 3,
        "flight_recorder.tool.failed_count": 0,
        "flight_recorder.tool.unknown_count": 1,
        "flight_recorder.tool.malformed_count": 1,
        "flight_recorder.tool.withheld_count": 0,
        "flight_recorder.tool.result_count": 2,
    }


async def test_its_traces_are_found_by_day_and_by_model(store: str) -> None:
    with enable_tracing(store, frameworks=()), record_run() as seen:
        with replay_tape(make_tape(answer_line("Hello."))) as replay:
            await research("Say hello.", Model("some-model", replay.base_url, "key"))
        (trace,) = seen.traces()
    assert trace.info.tags["date"] == f"{datetime.now():%Y%m%d}"
    assert trace.info.tags["model"] == "some-model"


async def test_a_listener_is_told_the_answer(store: str) -> None:
    heard: list[tuple[str, str]] = []
    await run_search(
        store, answer_line("Hello."), on_text=lambda who, text: heard.append((who, text))
    )
    assert heard == [("searcher", "Hello.")]


async def test_half_an_answer_is_none_and_its_tokens_are_counted(store: str) -> None:
    ran = await run_search(store, answer_line("FRA cov", finish_reason="length"))
    assert isinstance(ran.outcome, TruncatedAnswerError)
    assert ran.trace.root.failed
    assert ran.fidelity.is_complete


async def test_a_refusal_is_an_outcome_in_the_models_words(store: str) -> None:
    ran = await run_search(store, answer_line(None, refusal="I will not say."))
    assert (ran.research.outcome, ran.research.answer) == ("refused", "I will not say.")


async def test_a_completion_that_fails_once_is_asked_for_again(store: str) -> None:
    ran = await run_search(store, answer_line("Hello."), faults=(drops_connection("searcher"),))
    assert ran.research.answer == "Hello."
    assert ran.trace.spans_of_type("LLM")[0].attributes["flight_recorder.http.attempts"] == 2
    assert ran.fidelity.is_complete


@pytest.mark.parametrize("fault", [drops_connection("searcher"), malformed_reply("searcher")])
async def test_a_completion_that_fails_for_good_ends_the_run_and_its_spans_say_so(
    store: str, fault: Fault
) -> None:
    ran = await run_search(store, answer_line("Hello."), faults=(fault,), retries=0)
    assert isinstance(ran.outcome, Exception)
    assert [span.status for span in ran.trace if span.type != "ATTEMPT"] == ["ERROR"] * 3
    assert ran.fidelity.is_complete


async def test_a_cancelled_run_leaves_no_span_that_says_ok(store: str) -> None:
    with enable_tracing(store, frameworks=()), record_run() as seen:
        lines = make_tape(tool_call_line(WEB), web_results_line(FRANCE))
        with replay_tape(lines, (hangs("tavily"),)) as replay:
            model = Model("taped", replay.base_url, "key")
            running = asyncio.ensure_future(research("How large?", model, tavily=replay.url))
            while not any(one.lane == "tavily" for one in replay.ledger.exchanges):
                assert not running.done()
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.wait([running])
        (trace,) = seen.traces()
    assert running.cancelled()
    ended = {span.name: str(span.status.status_code.value) for span in trace.data.spans}
    assert ended.pop("get_tool_calls") == "OK"
    assert set(ended) == {"research", "searcher", "invoke_tools", "web_search", "cancelled"}
    assert set(ended.values()) == {"ERROR"}


async def test_two_runs_at_once_do_not_mix(store: str) -> None:
    async def one(title: str, text: str) -> tuple[str, list[str]]:
        found = {"title": title, "text": text, "source": "here"}
        lines = make_tape(tool_call_line(WEB), web_results_line(found), answer_line(f"{text} [1]"))
        with replay_tape(lines, (slow("tavily", 1, 0.2),)) as replay, record_run() as seen:
            model = Model("taped", replay.base_url, "key")
            ended = await research(title, model, tavily=replay.url)
            return ended.answer, [seen.id, *(str(result) for result in ended.results)]

    with enable_tracing(store, frameworks=()):
        (said, (run_one, *found)), (other, (run_two, *others)) = await asyncio.gather(
            one("France", "It covers 551,500 km2."), one("Germany", "It covers 357,022 km2.")
        )
    assert (said, other) == ("It covers 551,500 km2. [1]", "It covers 357,022 km2. [1]")
    assert found == ["[1] France (here)\nIt covers 551,500 km2."]
    assert others == ["[1] Germany (here)\nIt covers 357,022 km2."]
    assert run_one != run_two

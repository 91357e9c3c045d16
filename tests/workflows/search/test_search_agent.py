"""The search agent: its rounds, its outcomes and its trace, called as a user would call it."""

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
from workflows.model import Model, TruncatedAnswerError
from workflows.search_agent import SearchAgent


class OneRound(SearchAgent):
    max_rounds = 1


class NoRounds(SearchAgent):
    max_rounds = 0


async def test_it_answers_from_search_results(store: str) -> None:
    run = await run_search(
        store, tool_call_line(WEB), web_results_line(FRANCE), answer_line(ANSWER)
    )
    assert (run.answer.outcome, run.answer.text) == ("answered", ANSWER)
    assert run.tool_results == [f"[1] France ({FRANCE['source']})\n{FRANCE['text']}"]
    assert run.fidelity.is_complete


async def test_the_trace_has_each_step_in_order(store: str) -> None:
    run = await run_search(
        store,
        tool_call_line(WEB, INDEX),
        web_results_line(FRANCE),
        index_results_line(FRANCE),
        answer_line(ANSWER),
    )
    (searcher,) = run.trace.root.children
    assert [span.name for span in searcher.children] == [
        "chat_completion",
        "invoke_tools",
        "chat_completion",
        "judge_answer",
    ]
    assert [span.name for span in searcher.children[1].children] == ["search_index", "web_search"]
    assert run.trace.root.outputs["sources"] == [f"[1] France ({FRANCE['source']})"]


async def test_it_may_search_again_after_reading_results(store: str) -> None:
    run = await run_search(
        store,
        tool_call_line(WEB),
        web_results_line(FRANCE),
        tool_call_line(("web_search", {"query": "area of DEU"})),
        web_results_line(GERMANY),
        answer_line("FRA covers 551,500 km² [1], DEU 357,022 km² [2]."),
        task="How large are FRA and DEU?",
    )
    assert run.answer.outcome == "answered"
    assert [result.number for result in run.answer.results] == [1, 2]
    assert [text[:3] for text in run.tool_results] == ["[1]", "[2]"]


async def test_without_rounds_left_it_answers_and_its_rejected_calls_are_recorded(
    store: str,
) -> None:
    lines = tool_call_line(WEB), web_results_line(FRANCE), tool_call_line(WEB), answer_line(ANSWER)
    run = await run_search(store, *lines, agent=OneRound)
    assert (run.answer.outcome, run.answer.text) == ("out of rounds", ANSWER)
    assert [tool.status for tool in run.tools] == ["OK", "ERROR"]
    assert "tools" not in run.trace.spans_of_type("LLM")[-1].inputs
    assert run.fidelity.is_complete


async def test_a_call_of_a_tool_that_was_not_offered_is_recorded(store: str) -> None:
    run = await run_search(
        store, tool_call_line(WEB), tool_call_line(WEB, text="It is large."), agent=NoRounds
    )
    assert (run.answer.outcome, run.answer.text) == ("out of rounds", "It is large.")
    assert run.fidelity.is_complete


async def test_calls_of_one_reply_run_concurrently_and_are_reported_in_order(store: str) -> None:
    both = ("web_search", {"query": "area of FRA"}), ("web_search", {"query": "area of DEU"})
    lines = web_results_line(FRANCE, when="FRA"), web_results_line(GERMANY, when="DEU")
    faults = (slow("tavily", 1, 0.6), slow("tavily", 2, 0.3))
    run = await run_search(
        store, tool_call_line(*both), *lines, answer_line("Both are large."), faults=faults
    )
    one, other = run.tools
    assert max(one.start_ns, other.start_ns) < min(one.end_ns, other.end_ns)
    assert [text.splitlines()[0][:8] for text in run.tool_results] == ["[1] Fran", "[2] Germ"]


async def test_a_round_has_counts_of_how_its_calls_ended(store: str) -> None:
    lines = (
        tool_call_line(WEB, ("fetch", {}), ("web_search", "{")),
        web_results_line(FRANCE, GERMANY),
        answer_line("Large."),
    )
    run = await run_search(store, *lines)
    (calls,) = (span for span in run.trace if span.name == "invoke_tools")
    prefix = "flight_recorder.tool."
    counts = {key: value for key, value in calls.attributes.items() if key.startswith(prefix)}
    assert counts == {
        "flight_recorder.tool.call_count": 3,
        "flight_recorder.tool.failed_count": 0,
        "flight_recorder.tool.unknown_count": 1,
        "flight_recorder.tool.malformed_count": 1,
        "flight_recorder.tool.withheld_count": 0,
        "flight_recorder.tool.result_count": 2,
    }


async def test_its_traces_are_tagged_with_date_and_model(store: str) -> None:
    with enable_tracing(store, frameworks=()), record_run() as recorded:
        with replay_tape(make_tape(answer_line("Hello."))) as replay:
            await SearchAgent(Model("some-model", replay.base_url, "key")).run("Say hello.")
        (trace,) = recorded.traces()
    assert trace.info.tags["date"] == f"{datetime.now():%Y%m%d}"
    assert trace.info.tags["model"] == "some-model"


async def test_on_chunk_receives_the_answer(store: str) -> None:
    chunks: list[tuple[str, str]] = []
    await run_search(
        store, answer_line("Hello."), on_chunk=lambda who, text: chunks.append((who, text))
    )
    assert chunks == [("searcher", "Hello.")]


async def test_a_truncated_answer_raises_and_its_tokens_are_counted(store: str) -> None:
    run = await run_search(store, answer_line("FRA cov", finish_reason="length"))
    assert isinstance(run.outcome, TruncatedAnswerError)
    assert run.trace.root.failed
    assert run.fidelity.is_complete


async def test_a_refusal_is_an_outcome_in_the_models_words(store: str) -> None:
    run = await run_search(store, answer_line(None, refusal="I will not say."))
    assert (run.answer.outcome, run.answer.text) == ("refused", "I will not say.")


async def test_a_completion_that_fails_once_is_retried(store: str) -> None:
    run = await run_search(store, answer_line("Hello."), faults=(drops_connection("searcher"),))
    assert run.answer.text == "Hello."
    assert run.trace.spans_of_type("LLM")[0].attributes["flight_recorder.http.attempts"] == 2
    assert run.fidelity.is_complete


@pytest.mark.parametrize("fault", [drops_connection("searcher"), malformed_reply("searcher")])
async def test_a_completion_that_fails_for_good_ends_the_run_and_fails_its_spans(
    store: str, fault: Fault
) -> None:
    run = await run_search(
        store, answer_line("Hello."), faults=(fault,), model_options={"max_retries": 0}
    )
    assert isinstance(run.outcome, Exception)
    assert [span.status for span in run.trace if span.type != "ATTEMPT"] == ["ERROR"] * 3
    assert run.fidelity.is_complete


async def test_a_cancelled_run_leaves_no_open_or_successful_span(store: str) -> None:
    with enable_tracing(store, frameworks=()), record_run() as recorded:
        lines = make_tape(tool_call_line(WEB), web_results_line(FRANCE))
        with replay_tape(lines, (hangs("tavily"),)) as replay:
            model = Model("taped", replay.base_url, "key")
            running = asyncio.ensure_future(SearchAgent(model, tavily=replay.url).run("How large?"))
            while not any(one.lane == "tavily" for one in replay.ledger.exchanges):
                assert not running.done()
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.wait([running])
        (trace,) = recorded.traces()
    assert running.cancelled()
    statuses = {span.name: str(span.status.status_code.value) for span in trace.data.spans}
    assert statuses.pop("chat_completion") == "OK"
    assert set(statuses) == {"research", "searcher", "invoke_tools", "web_search", "cancelled"}
    assert set(statuses.values()) == {"ERROR"}


async def test_two_concurrent_runs_of_one_agent_do_not_mix(store: str) -> None:
    lines = [
        line
        for country, hit in (("FRA", FRANCE), ("DEU", GERMANY))
        for line in (
            tool_call_line(("web_search", {"query": country}), when=rf"user: {country}\Z"),
            web_results_line(hit, when=country),
            answer_line(f"{hit['text']} [1]", when=rf"(?s)user: {country}.*{hit['title']} covers"),
        )
    ]
    faults = (slow("tavily", 1, 0.2), slow("tavily", 2, 0.1))
    with enable_tracing(store, frameworks=()), replay_tape(make_tape(*lines), faults) as replay:
        agent = SearchAgent(Model("taped", replay.base_url, "key"), tavily=replay.url)
        france, germany = await asyncio.gather(agent.run("FRA"), agent.run("DEU"))
    assert [result.text for result in france.results] == [FRANCE["text"]]
    assert [result.text for result in germany.results] == [GERMANY["text"]]
    assert (france.text, germany.text) == (f"{FRANCE['text']} [1]", f"{GERMANY['text']} [1]")

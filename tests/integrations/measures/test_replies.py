"""A reply is read again however a span spells it; one that was told otherwise is not."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.conventions.normalized_trace import normalized_trace
from integrations.measures.run_counts import count_run
from integrations.runner.case_run import CaseRun
from scenarios.player.fidelity import FidelityCount
from tests.integrations.measures.sample_runs import TurnSpec, make_run

unhurried = settings(max_examples=60, deadline=None)

Call = tuple[str, dict[str, Any]]
"""A tool, and its arguments."""
Told = dict[str, Any]
"""An exported span's attributes, or one of its events."""
VALUES = st.one_of(st.text(), st.integers(), st.booleans(), st.none())
CALLS = st.tuples(
    st.sampled_from(("gauge", "transfer_to_pilot")),
    st.dictionaries(st.text(min_size=1), VALUES, max_size=3),
)
"""Calls of tools; some take no arguments."""
SAID = st.tuples(st.one_of(st.none(), st.text()), st.lists(CALLS, max_size=3))
"""What a model said: a text, or none, and calls."""


def chat(text: str | None, calls: list[Call]) -> Told:
    named = [{"function": {"name": n, "arguments": json.dumps(given)}} for n, given in calls]
    message = {"content": text, "tool_calls": named or None}
    return {"mlflow.spanOutputs": json.dumps({"choices": [{"message": message}]})}


def responses(text: str | None, calls: list[Call]) -> Told:
    items: list[Told] = [{"type": "message", "content": [{"type": "output_text", "text": text}]}]
    items += [{"type": "function_call", "name": n, "arguments": json.dumps(g)} for n, g in calls]
    return {"mlflow.spanOutputs": json.dumps({"output": items})}


def autogen(text: str | None, calls: list[Call]) -> Told:
    content = [{"name": name, "arguments": json.dumps(given)} for name, given in calls]
    return {"mlflow.spanOutputs": json.dumps({"content": content, "thought": text})}


def semantic(text: str | None, calls: list[Call]) -> Told:
    parts: list[Told] = [{"type": "text", "content": text}]
    parts += [{"type": "tool_call", "name": name, "arguments": given} for name, given in calls]
    return {"gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": parts}])}


def flat(text: str | None, calls: list[Call]) -> Told:
    return {"gen_ai.completion.0.content": text or ""} | {
        f"gen_ai.completion.0.tool_calls.{at}.{part}": value
        for at, (name, given) in enumerate(calls)
        for part, value in (("name", name), ("arguments", json.dumps(given)))
    }


def openinference(text: str | None, calls: list[Call]) -> Told:
    return {"llm.output_messages.0.message.content": text or ""} | {
        f"llm.output_messages.0.message.tool_calls.{at}.tool_call.function.{part}": value
        for at, (name, given) in enumerate(calls)
        for part, value in (("name", name), ("arguments", json.dumps(given, indent=1)))
    }


def value(text: str | None, calls: list[Call]) -> Told:
    """The whole as one text, as a bridge may have kept it in its own words, too."""
    return {"mlflow.spanOutputs": '"…"', "output.value": chat(text, calls)["mlflow.spanOutputs"]}


def event(text: str | None, calls: list[Call]) -> Told:
    return {"events": [{"name": "gen_ai.choice", "attributes": flat(text, calls)}]}


def details(text: str | None, calls: list[Call]) -> Told:
    name = "gen_ai.client.inference.operation.details"
    return {"events": [{"name": name, "attributes": semantic(text, calls)}]}


SPELLINGS = (chat, responses, autogen, semantic, flat, openinference, value, event, details)
each_spelling = pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda each: each.__name__)


def span(told: Mapping[str, Any]) -> dict[str, Any]:
    """The span of a completion as it is exported, with these attributes, or events."""
    attributes = {key: each for key, each in told.items() if key != "events"}
    return {
        "name": "create",
        "span_id": "1",
        "start_time_unix_nano": 1,
        "end_time_unix_nano": 2,
        "attributes": {"mlflow.spanType": '"LLM"'} | attributes,
        "status": {"code": "STATUS_CODE_OK"},
        "events": told.get("events", []),
    }


def flown(text: str | None, calls: list[Call], *spans: Told) -> CaseRun:
    """A flight with one reply, of which these spans tell."""
    flight, _ = make_run(TurnSpec("writer"))
    named = [{"id": "1", "name": n, "arguments": json.dumps(given)} for n, given in calls]
    reply = {"content": text} | ({"tool_calls": named} if named else {})
    answered = replace(flight.exchanges[0], reply=reply)
    return replace(flight, exchanges=(answered,), spans=tuple(map(span, spans)))


def replies(flight: CaseRun) -> FidelityCount:
    return count_run(flight, normalized_trace(flight)).replies


@each_spelling
@unhurried
@given(said=SAID)
def test_a_reply_is_read_however_it_is_spelt(
    spelling: Callable[..., Told], said: tuple[str | None, list[Call]]
) -> None:
    due = int(bool((said[0] or "").strip() or said[1]))
    assert replies(flown(*said, spelling(*said))) == FidelityCount(due, due)


@each_spelling
@unhurried
@given(text=st.one_of(st.none(), st.text()), given=st.dictionaries(st.text(), VALUES, max_size=2))
def test_one_with_another_argument_is_not(
    spelling: Callable[..., Told], text: str | None, given: dict[str, Any]
) -> None:
    said = [("gauge", given | {"place": "the pass"})]
    otherwise = [("gauge", given | {"place": "the hut"})]
    assert replies(flown(text, said, spelling(text, otherwise))) == FidelityCount(1, 0)


@each_spelling
@unhurried
@given(text=st.text().map(lambda text: f"{text} It is open."), chars=st.integers(1, 8))
def test_one_that_was_cut_is_not(spelling: Callable[..., Told], text: str, chars: int) -> None:
    assert replies(flown(text, [], spelling(text[:-chars], []))) == FidelityCount(1, 0)


@each_spelling
@pytest.mark.parametrize(
    ("text", "call"),
    [
        ('Action: gauge\nAction Input: {"place": "the pass"}', ("gauge", {"place": "the pass"})),
        ('I shall "transfer_to_pilot".', ("transfer_to_pilot", {})),
    ],
)
def test_a_text_that_speaks_of_a_call_does_not_make_it(
    spelling: Callable[..., Told], text: str, call: Call
) -> None:
    assert replies(flown(text, [call], spelling(text, [call]))) == FidelityCount(1, 1)
    assert replies(flown(text, [call], spelling(text, []))) == FidelityCount(1, 0)


@each_spelling
def test_of_two_calls_both_are_due(spelling: Callable[..., Told]) -> None:
    calls = [("gauge", {"place": "the pass"}), ("gauge", {"place": "the hut"})]
    assert replies(flown(None, calls, spelling(None, calls[:1]))) == FidelityCount(1, 0)


def test_a_call_without_arguments_is_its_name() -> None:
    named = {"mlflow.spanOutputs": json.dumps([{"name": "transfer_to_pilot"}])}
    assert replies(flown(None, [("transfer_to_pilot", {})], named)) == FidelityCount(1, 1)


def test_a_reply_that_says_nothing_is_not_due() -> None:
    assert replies(flown(" \n", [])) == FidelityCount(0, 0)


def test_a_reply_that_did_not_arrive_is_not_due() -> None:
    flight = flown("It is open.", [])
    cut = tuple(replace(one, delivered=False) for one in flight.exchanges)
    assert replies(replace(flight, exchanges=cut)) == FidelityCount(0, 0)


def test_a_reply_is_read_in_no_prompt() -> None:
    asked = {"gen_ai.input.messages": json.dumps([{"content": "It is open."}])}
    event = {"name": "gen_ai.client.inference.operation.details", "attributes": asked}
    assert replies(flown("It is open.", [], asked | {"events": [event]})) == FidelityCount(1, 0)


def test_each_reply_is_read_in_a_span_of_its_own() -> None:
    flight = flown("It is open. It is shut.", [], chat("It is open. It is shut.", []))
    shorter = replace(flight.exchanges[0], reply={"content": "It is open."})
    both = replace(flight, exchanges=(*flight.exchanges, shorter))
    assert replies(both) == FidelityCount(2, 1)


def test_a_reply_that_came_twice_says_nothing_new() -> None:
    flight = flown("It is open.", [], chat("It is open.", []))
    assert replies(replace(flight, exchanges=flight.exchanges * 2)) == FidelityCount(1, 1)

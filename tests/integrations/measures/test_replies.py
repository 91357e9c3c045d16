"""A reply counts if a span has all of it, in any encoding."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integrations.measures.run_counts import count_run
from integrations.measures.span_normalization import normalized_trace
from integrations.runner.case_run import CaseRun
from scenarios.player.fidelity import FidelityCount
from tests.integrations.measures.sample_runs import TurnSpec, make_run

without_deadline = settings(max_examples=60, deadline=None)

Call = tuple[str, dict[str, Any]]
"""A tool and its arguments."""
Recorded = dict[str, Any]
"""Attributes or events of an exported span."""
VALUES = st.one_of(st.text(), st.integers(), st.booleans(), st.none())
CALLS = st.tuples(
    st.sampled_from(("gauge", "transfer_to_pilot")),
    st.dictionaries(st.text(min_size=1), VALUES, max_size=3),
)
"""Tool calls, some without arguments."""
REPLIES = st.tuples(st.one_of(st.none(), st.text()), st.lists(CALLS, max_size=3))
"""A reply: a text, or none, and tool calls."""


def chat(text: str | None, calls: list[Call]) -> Recorded:
    named = [{"function": {"name": n, "arguments": json.dumps(given)}} for n, given in calls]
    message = {"content": text, "tool_calls": named or None}
    return {"mlflow.spanOutputs": json.dumps({"choices": [{"message": message}]})}


def responses(text: str | None, calls: list[Call]) -> Recorded:
    items: list[Recorded] = [
        {"type": "message", "content": [{"type": "output_text", "text": text}]}
    ]
    items += [{"type": "function_call", "name": n, "arguments": json.dumps(g)} for n, g in calls]
    return {"mlflow.spanOutputs": json.dumps({"output": items})}


def autogen(text: str | None, calls: list[Call]) -> Recorded:
    content = [{"name": name, "arguments": json.dumps(given)} for name, given in calls]
    return {"mlflow.spanOutputs": json.dumps({"content": content, "thought": text})}


def semantic(text: str | None, calls: list[Call]) -> Recorded:
    parts: list[Recorded] = [{"type": "text", "content": text}]
    parts += [{"type": "tool_call", "name": name, "arguments": given} for name, given in calls]
    return {"gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": parts}])}


def flat(text: str | None, calls: list[Call]) -> Recorded:
    return {"gen_ai.completion.0.content": text or ""} | {
        f"gen_ai.completion.0.tool_calls.{at}.{part}": value
        for at, (name, given) in enumerate(calls)
        for part, value in (("name", name), ("arguments", json.dumps(given)))
    }


def openinference(text: str | None, calls: list[Call]) -> Recorded:
    return {"llm.output_messages.0.message.content": text or ""} | {
        f"llm.output_messages.0.message.tool_calls.{at}.tool_call.function.{part}": value
        for at, (name, given) in enumerate(calls)
        for part, value in (("name", name), ("arguments", json.dumps(given, indent=1)))
    }


def value(text: str | None, calls: list[Call]) -> Recorded:
    """The whole reply as one text, as a bridge to MLflow stores it."""
    return {"mlflow.spanOutputs": '"…"', "output.value": chat(text, calls)["mlflow.spanOutputs"]}


def event(text: str | None, calls: list[Call]) -> Recorded:
    return {"events": [{"name": "gen_ai.choice", "attributes": flat(text, calls)}]}


def details(text: str | None, calls: list[Call]) -> Recorded:
    name = "gen_ai.client.inference.operation.details"
    return {"events": [{"name": name, "attributes": semantic(text, calls)}]}


ENCODINGS = (chat, responses, autogen, semantic, flat, openinference, value, event, details)
each_encoding = pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda each: each.__name__)


def span(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exported span of a completion with these attributes or events."""
    attributes = {key: each for key, each in recorded.items() if key != "events"}
    return {
        "name": "create",
        "span_id": "1",
        "start_time_unix_nano": 1,
        "end_time_unix_nano": 2,
        "attributes": {"mlflow.spanType": '"LLM"'} | attributes,
        "status": {"code": "STATUS_CODE_OK"},
        "events": recorded.get("events", []),
    }


def run_with(text: str | None, calls: list[Call], *spans: Recorded) -> CaseRun:
    """Return a run with one reply, recorded by these spans."""
    run, _ = make_run(TurnSpec("writer"))
    named = [{"id": "1", "name": n, "arguments": json.dumps(given)} for n, given in calls]
    reply = {"content": text} | ({"tool_calls": named} if named else {})
    answered = replace(run.exchanges[0], reply=reply)
    return replace(run, exchanges=(answered,), spans=tuple(map(span, spans)))


def count_replies(run: CaseRun) -> FidelityCount:
    return count_run(run, normalized_trace(run)).replies


@pytest.mark.long
@each_encoding
@without_deadline
@example(reply=(None, [("gauge", {"0": -(2**63) - 1})]))
@given(reply=REPLIES)
def test_a_reply_is_read_in_any_encoding(
    encoding: Callable[..., Recorded], reply: tuple[str | None, list[Call]]
) -> None:
    expected = int(bool((reply[0] or "").strip() or reply[1]))
    assert count_replies(run_with(*reply, encoding(*reply))) == FidelityCount(expected, expected)


@pytest.mark.long
@each_encoding
@without_deadline
@given(text=st.one_of(st.none(), st.text()), given=st.dictionaries(st.text(), VALUES, max_size=2))
def test_a_reply_with_another_argument_does_not_count(
    encoding: Callable[..., Recorded], text: str | None, given: dict[str, Any]
) -> None:
    reply = [("gauge", given | {"place": "the pass"})]
    recorded_calls = [("gauge", given | {"place": "the hut"})]
    assert count_replies(run_with(text, reply, encoding(text, recorded_calls))) == FidelityCount(
        1, 0
    )


@each_encoding
@without_deadline
@given(text=st.text().map(lambda text: f"{text} It is open."), chars=st.integers(1, 8))
def test_a_truncated_reply_does_not_count(
    encoding: Callable[..., Recorded], text: str, chars: int
) -> None:
    assert count_replies(run_with(text, [], encoding(text[:-chars], []))) == FidelityCount(1, 0)


@each_encoding
@pytest.mark.parametrize(
    ("text", "call"),
    [
        ('Action: gauge\nAction Input: {"place": "the pass"}', ("gauge", {"place": "the pass"})),
        ('I shall "transfer_to_pilot".', ("transfer_to_pilot", {})),
    ],
)
def test_a_text_that_mentions_a_tool_call_is_no_record_of_it(
    encoding: Callable[..., Recorded], text: str, call: Call
) -> None:
    assert count_replies(run_with(text, [call], encoding(text, [call]))) == FidelityCount(1, 1)
    assert count_replies(run_with(text, [call], encoding(text, []))) == FidelityCount(1, 0)


@each_encoding
def test_both_of_two_tool_calls_are_needed(encoding: Callable[..., Recorded]) -> None:
    calls = [("gauge", {"place": "the pass"}), ("gauge", {"place": "the hut"})]
    assert count_replies(run_with(None, calls, encoding(None, calls[:1]))) == FidelityCount(1, 0)


def test_a_tool_call_without_arguments_is_its_name() -> None:
    named = {"mlflow.spanOutputs": json.dumps([{"name": "transfer_to_pilot"}])}
    assert count_replies(run_with(None, [("transfer_to_pilot", {})], named)) == FidelityCount(1, 1)


def test_an_empty_reply_is_not_counted() -> None:
    assert count_replies(run_with(" \n", [])) == FidelityCount(0, 0)


def test_a_reply_that_did_not_arrive_is_not_counted() -> None:
    run = run_with("It is open.", [])
    truncated = tuple(replace(exchange, delivered=False) for exchange in run.exchanges)
    assert count_replies(replace(run, exchanges=truncated)) == FidelityCount(0, 0)


def test_a_reply_is_not_read_from_a_prompt() -> None:
    attributes = {"gen_ai.input.messages": json.dumps([{"content": "It is open."}])}
    event = {"name": "gen_ai.client.inference.operation.details", "attributes": attributes}
    assert count_replies(
        run_with("It is open.", [], attributes | {"events": [event]})
    ) == FidelityCount(1, 0)


def test_each_reply_needs_a_span_of_its_own() -> None:
    run = run_with("It is open. It is shut.", [], chat("It is open. It is shut.", []))
    shorter = replace(run.exchanges[0], reply={"content": "It is open."})
    both = replace(run, exchanges=(*run.exchanges, shorter))
    assert count_replies(both) == FidelityCount(2, 1)


def test_a_repeated_reply_counts_once() -> None:
    run = run_with("It is open.", [], chat("It is open.", []))
    assert count_replies(replace(run, exchanges=run.exchanges * 2)) == FidelityCount(1, 1)

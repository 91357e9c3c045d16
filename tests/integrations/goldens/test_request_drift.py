"""What a case asks is compared with its golden: message by message, call by call, lane by lane."""

from dataclasses import replace
from typing import Any

import openai
import pytest

from integrations.goldens.model_requests import ModelRequest, collect_requests
from integrations.goldens.request_drift import RequestDrift, compare_model_requests
from scenarios.replay.faults import rate_limited, unavailable
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.drift import SEVERITIES
from tests.support.tapes import ask, make_client, make_tape, reply_line, user_message

CHAT = "/v1/chat/completions"


def call(lane: str, *texts: str, tools: tuple[str, ...] = (), path: str = CHAT) -> ModelRequest:
    """A lane's request with these messages, the first of which is its system's."""
    roles = ("system", *["user"] * len(texts))
    body: dict[str, Any] = {
        "messages": [
            {"role": role, "content": text} for role, text in zip(roles, texts, strict=False)
        ]
    }
    if tools:
        body["tools"] = [{"type": "function", "function": {"name": name}} for name in tools]
    return ModelRequest(lane, path, body)


def only(golden: list[ModelRequest], seen: list[ModelRequest]) -> RequestDrift:
    (drift,) = compare_model_requests(golden, seen)
    return drift


def test_the_same_requests_are_no_drift() -> None:
    assert (
        compare_model_requests([call("a", "x"), call("b", "y")], [call("b", "y"), call("a", "x")])
        == ()
    )


def test_a_prompt_that_is_worded_otherwise_is_told_with_its_call_and_message() -> None:
    drift = only(
        [call("writer", "You write."), call("writer", "You write.", "Begin with a title.")],
        [call("writer", "You write."), call("writer", "You write.", "Begin with the title.")],
    )
    assert (drift.call, drift.severity) == (2, "text")
    assert str(drift).startswith("writer, call 2 (text): message 2 (user) was ")


@pytest.mark.parametrize(
    ("golden", "seen", "severity"),
    [
        (call("a", "x", "y", "z"), call("a", "x", "z", "y"), "order"),
        (call("a", "x", tools=("search",)), call("a", "x", tools=("find",)), "tools"),
        (call("a", "x", "y"), call("a", "x"), "missing"),
        (call("a", "x"), call("b", "x"), "agent"),
    ],
)
def test_a_drift_is_as_severe_as_what_has_changed(
    golden: ModelRequest, seen: ModelRequest, severity: str
) -> None:
    assert {drift.severity for drift in compare_model_requests([golden], [seen])} == {severity}


def test_an_agent_that_asks_nothing_any_more_is_the_worst_that_can_be() -> None:
    drift = only(
        [call("reader", "x"), call("writer", "x"), call("writer", "y")], [call("reader", "x")]
    )
    assert drift.severity == "agent" == SEVERITIES[-1]
    assert str(drift) == "writer (agent): asks nothing any more, and asked 2 times"


def test_an_agent_that_is_new_is_told() -> None:
    drift = only([call("reader", "x")], [call("reader", "x"), call("manager", "x")])
    assert str(drift) == "manager (agent): is new, and asks once"


def test_a_call_more_does_not_make_those_that_follow_look_changed() -> None:
    calls = [call("a", "x", "y"), call("a", "x", "y", "z"), call("a", "x", "y", "z", "w")]
    drift = only(calls, [call("a", "plan"), *calls])
    assert (drift.call, drift.severity) == (1, "missing")
    assert str(drift).startswith(f"a, call 1 (missing): the call is new: {CHAT} ")


def test_a_call_less_is_told_with_its_place_in_the_golden() -> None:
    calls = [call("a", "x"), call("a", "x", "y"), call("a", "x", "y", "z")]
    drift = only(calls, [calls[0], calls[2]])
    assert (drift.call, drift.severity) == (2, "missing")
    assert "the recorded call is gone" in str(drift)


def test_parallel_calls_of_one_agent_may_come_in_any_order() -> None:
    calls = [call("a", "x", country) for country in ("Chad", "Mali", "Togo")]
    assert compare_model_requests(calls, calls[::-1]) == ()


def test_of_calls_that_all_changed_the_nearest_are_compared() -> None:
    golden = [call("a", "be brief", country) for country in ("Chad", "Mali", "Togo")]
    seen = [call("a", "be short", country) for country in ("Mali", "Chad", "Togo")]
    found = compare_model_requests(golden, seen)
    assert [len(drift.changes) for drift in found] == [1, 1, 1]
    assert all("message 1 (system)" in str(drift) for drift in found)


def test_calls_that_changed_alike_are_compared_in_their_order() -> None:
    golden = [call("a", "x", "y", "one"), call("a", "x", "two")]
    seen = [call("a", "x", "z", "three"), call("a", "x", "four")]
    assert [drift.call for drift in compare_model_requests(golden, seen)] == [1, 2]
    assert {drift.severity for drift in compare_model_requests(golden, seen)} == {"text"}


def test_a_call_of_another_endpoint_is_another_call() -> None:
    embedding = ModelRequest("a", "/v1/embeddings", {"input": ["x"]})
    severities = [drift.severity for drift in compare_model_requests([call("a", "x")], [embedding])]
    assert severities == ["missing", "missing"]


def test_a_request_that_was_asked_again_after_a_refusal_counts_once() -> None:
    lines = reply_line("a", "one"), reply_line("a", "two"), reply_line("b", "three")
    with replay_tape(make_tape(*lines), [rate_limited("a", retry_after_s=0.05)]) as replay:
        asking = make_client(replay, "a", max_retries=2)
        ask(make_client(replay, "b"), "first")
        assert [ask(asking, "first"), ask(asking, "second")] == ["one", "two"]
    assert len(replay.ledger.exchanges) == 4
    assert collect_requests(replay.ledger.exchanges) == (
        ModelRequest("a", CHAT, {"messages": user_message("first")}),
        ModelRequest("a", CHAT, {"messages": user_message("second")}),
        ModelRequest("b", CHAT, {"messages": user_message("first")}),
    )


def test_a_request_that_is_refused_and_given_up_was_asked() -> None:
    with replay_tape(make_tape(reply_line("a", "one")), [unavailable("a", times=3)]) as replay:
        with pytest.raises(openai.InternalServerError):
            ask(make_client(replay, "a", max_retries=2), "first")
        ask(make_client(replay, "a"), "other")
    assert [each.body["messages"] for each in collect_requests(replay.ledger.exchanges)] == [
        user_message("first"),
        user_message("other"),
    ]


def test_the_same_question_asked_again_after_its_answer_is_another_call() -> None:
    with replay_tape(make_tape(reply_line("a", "one"), reply_line("a", "two"))) as replay:
        asking = make_client(replay, "a")
        assert [ask(asking, "go on"), ask(asking, "go on")] == ["one", "two"]
    assert len(collect_requests(replay.ledger.exchanges)) == 2


def test_a_retry_uses_up_the_failure_that_it_answers() -> None:
    with replay_tape(make_tape(reply_line("a", "one"))) as replay:
        ask(make_client(replay, "a"), "first")
    (served,) = replay.ledger.exchanges
    failed = replace(served, delivered=False, status=None)
    assert len(collect_requests([failed, served, served])) == 2


def test_ports_and_ids_in_a_prompt_are_no_drift() -> None:
    with replay_tape(make_tape(reply_line("a", "one"))) as replay:
        ask(make_client(replay, "a"), "read http://127.0.0.1:4711/x")
    (served,) = replay.ledger.exchanges
    again = replace(served, request={"messages": user_message("read http://127.0.0.1:4712/x")})
    assert compare_model_requests(collect_requests([served]), collect_requests([again])) == ()


def test_a_refusal_that_was_recorded_is_no_call_of_its_own_either() -> None:
    with replay_tape(make_tape(reply_line("a", "one"))) as replay:
        ask(make_client(replay, "a"), "first")
    (served,) = replay.ledger.exchanges
    refused = replace(served, status=429)
    assert len(collect_requests([refused, refused, served])) == 1

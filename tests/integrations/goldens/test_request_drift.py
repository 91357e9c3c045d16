"""Model requests are compared with the golden: lane by lane, call by call, message by message."""

from dataclasses import replace
from typing import Any

import openai
import pytest

from integrations.goldens.request_drift import (
    ModelRequest,
    RequestDrift,
    compare_with_golden,
    requests_of_ledger,
)
from scenarios.replay.faults import rate_limited, unavailable
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.requests.drift import SEVERITIES
from tests.support.tapes import ask, make_client, make_tape, reply_line, user_message

CHAT = "/v1/chat/completions"


def call(lane: str, *texts: str, tools: tuple[str, ...] = (), path: str = CHAT) -> ModelRequest:
    """A request of a lane with these messages, the first of which is the system message."""
    roles = ("system", *["user"] * len(texts))
    body: dict[str, Any] = {
        "messages": [
            {"role": role, "content": text} for role, text in zip(roles, texts, strict=False)
        ]
    }
    if tools:
        body["tools"] = [{"type": "function", "function": {"name": name}} for name in tools]
    return ModelRequest(lane, path, body)


def single_drift(golden: list[ModelRequest], actual: list[ModelRequest]) -> RequestDrift:
    (drift,) = compare_with_golden(golden, actual)
    return drift


def test_equal_requests_are_no_drift() -> None:
    assert (
        compare_with_golden([call("a", "x"), call("b", "y")], [call("b", "y"), call("a", "x")])
        == ()
    )


def test_a_changed_prompt_is_described_with_call_and_message() -> None:
    drift = single_drift(
        [call("writer", "You write."), call("writer", "You write.", "Begin with a title.")],
        [call("writer", "You write."), call("writer", "You write.", "Begin with the title.")],
    )
    assert (drift.call, drift.severity) == (2, "text")
    assert str(drift).startswith("writer, call 2 (text): message 2 (user) was ")


@pytest.mark.parametrize(
    ("golden", "actual", "severity"),
    [
        (call("a", "x", "y", "z"), call("a", "x", "z", "y"), "order"),
        (call("a", "x", tools=("search",)), call("a", "x", tools=("find",)), "tools"),
        (call("a", "x", "y"), call("a", "x"), "missing"),
        (call("a", "x"), call("b", "x"), "agent"),
    ],
)
def test_the_severity_depends_on_the_change(
    golden: ModelRequest, actual: ModelRequest, severity: str
) -> None:
    assert {drift.severity for drift in compare_with_golden([golden], [actual])} == {severity}


def test_an_agent_without_requests_is_the_worst_drift() -> None:
    drift = single_drift(
        [call("reader", "x"), call("writer", "x"), call("writer", "y")], [call("reader", "x")]
    )
    assert drift.severity == "agent" == SEVERITIES[-1]
    assert str(drift) == "writer (agent): sends no requests any more; the golden has 2"


def test_a_new_agent_is_reported() -> None:
    drift = single_drift([call("reader", "x")], [call("reader", "x"), call("manager", "x")])
    assert str(drift) == "manager (agent): is new and sends 1 request"


def test_an_additional_call_does_not_change_the_calls_after_it() -> None:
    calls = [call("a", "x", "y"), call("a", "x", "y", "z"), call("a", "x", "y", "z", "w")]
    drift = single_drift(calls, [call("a", "plan"), *calls])
    assert (drift.call, drift.severity) == (1, "missing")
    assert str(drift).startswith(f"a, call 1 (missing): this call is new: {CHAT} ")


def test_a_missing_call_is_reported_with_its_number_in_the_golden() -> None:
    calls = [call("a", "x"), call("a", "x", "y"), call("a", "x", "y", "z")]
    drift = single_drift(calls, [calls[0], calls[2]])
    assert (drift.call, drift.severity) == (2, "missing")
    assert "the recorded call is missing" in str(drift)


def test_parallel_calls_of_an_agent_may_come_in_any_order() -> None:
    calls = [call("a", "x", country) for country in ("Chad", "Mali", "Togo")]
    assert compare_with_golden(calls, calls[::-1]) == ()


def test_changed_calls_are_compared_with_the_most_similar_ones() -> None:
    golden = [call("a", "be brief", country) for country in ("Chad", "Mali", "Togo")]
    actual = [call("a", "be short", country) for country in ("Mali", "Chad", "Togo")]
    drifts = compare_with_golden(golden, actual)
    assert [len(drift.changes) for drift in drifts] == [1, 1, 1]
    assert all("message 1 (system)" in str(drift) for drift in drifts)


def test_equally_changed_calls_are_compared_in_order() -> None:
    golden = [call("a", "x", "y", "one"), call("a", "x", "two")]
    actual = [call("a", "x", "z", "three"), call("a", "x", "four")]
    assert [drift.call for drift in compare_with_golden(golden, actual)] == [1, 2]
    assert {drift.severity for drift in compare_with_golden(golden, actual)} == {"text"}


def test_a_request_to_another_endpoint_is_another_call() -> None:
    embedding = ModelRequest("a", "/v1/embeddings", {"input": ["x"]})
    severities = [drift.severity for drift in compare_with_golden([call("a", "x")], [embedding])]
    assert severities == ["missing", "missing"]


def test_a_retried_request_counts_once() -> None:
    lines = reply_line("a", "one"), reply_line("a", "two"), reply_line("b", "three")
    with replay_tape(make_tape(*lines), [rate_limited("a", retry_after_s=0.05)]) as replay:
        client = make_client(replay, "a", max_retries=2)
        ask(make_client(replay, "b"), "first")
        assert [ask(client, "first"), ask(client, "second")] == ["one", "two"]
    assert len(replay.ledger.exchanges) == 4
    assert requests_of_ledger(replay.ledger.exchanges) == (
        ModelRequest("a", CHAT, {"messages": user_message("first")}),
        ModelRequest("a", CHAT, {"messages": user_message("second")}),
        ModelRequest("b", CHAT, {"messages": user_message("first")}),
    )


def test_a_request_that_fails_for_good_counts() -> None:
    with replay_tape(make_tape(reply_line("a", "one")), [unavailable("a", times=3)]) as replay:
        with pytest.raises(openai.InternalServerError):
            ask(make_client(replay, "a", max_retries=2), "first")
        ask(make_client(replay, "a"), "other")
    assert [each.body["messages"] for each in requests_of_ledger(replay.ledger.exchanges)] == [
        user_message("first"),
        user_message("other"),
    ]


def test_a_repeated_request_after_an_answer_is_another_call() -> None:
    with replay_tape(make_tape(reply_line("a", "one"), reply_line("a", "two"))) as replay:
        client = make_client(replay, "a")
        assert [ask(client, "go on"), ask(client, "go on")] == ["one", "two"]
    assert len(requests_of_ledger(replay.ledger.exchanges)) == 2


def test_a_retry_uses_up_one_failure() -> None:
    with replay_tape(make_tape(reply_line("a", "one"))) as replay:
        ask(make_client(replay, "a"), "first")
    (served,) = replay.ledger.exchanges
    failed = replace(served, delivered=False, status=None)
    assert len(requests_of_ledger([failed, served, served])) == 2


def test_ports_and_ids_in_a_prompt_are_no_drift() -> None:
    with replay_tape(make_tape(reply_line("a", "one"))) as replay:
        ask(make_client(replay, "a"), "read http://127.0.0.1:4711/x")
    (served,) = replay.ledger.exchanges
    again = replace(served, request={"messages": user_message("read http://127.0.0.1:4712/x")})
    assert compare_with_golden(requests_of_ledger([served]), requests_of_ledger([again])) == ()


def test_a_refused_attempt_is_not_a_call_of_its_own() -> None:
    with replay_tape(make_tape(reply_line("a", "one"))) as replay:
        ask(make_client(replay, "a"), "first")
    (served,) = replay.ledger.exchanges
    refused = replace(served, status=429)
    assert len(requests_of_ledger([refused, refused, served])) == 1

"""Fidelity: missing, duplicated and misplaced spans make the counts differ from the ledger."""

import dataclasses

import pytest

from instrumentation.trace import Span, Trace
from scenarios.player.fidelity import measure_fidelity
from scenarios.replay.ledger import Exchange, Ledger


def ledger(*exchanges: Exchange) -> Ledger:
    result = Ledger()
    for exchange in exchanges:
        result.open(exchange)
    return result


def exchange(lane: str, call: int = 1, **outcome: object) -> Exchange:
    complete = Exchange(
        lane=lane,
        call=call,
        path="/v1/chat/completions",
        request={},
        model="taped",
        streamed=False,
        started_ms=0.0,
        status=200,
        input_tokens=10,
        output_tokens=5,
        delivered=True,
    )
    return dataclasses.replace(complete, **outcome)  # type: ignore[arg-type]


def completion(**attributes: object) -> Span:
    used = {"input_tokens": 10, "output_tokens": 5}
    return Span("create", "LLM", attributes={"mlflow.chat.tokenUsage": used} | attributes)


def turn(agent: str, *inside: Span) -> Span:
    return Span(agent, "AGENT", attributes={"gen_ai.agent.name": agent}, children=inside)


def run(*turns: Span) -> Trace:
    return Trace((Span("team", "CHAIN", children=turns),))


SERVED = ledger(exchange("writer"), exchange("critic"))


def test_a_complete_trace_has_full_fidelity() -> None:
    fidelity = measure_fidelity(
        SERVED, run(turn("writer", completion()), turn("critic", completion()))
    )
    assert fidelity.is_complete
    assert {name: (c.ledger, c.trace) for name, c in fidelity} == {
        "llm_calls": (2, 2),
        "tool_calls": (0, 0),
        "tokens": (30, 30),
        "agents": (2, 2),
        "errors": (0, 0),
    }


@pytest.mark.parametrize(
    ("trace", "count"),
    [
        (run(turn("writer", completion()), turn("critic")), "llm_calls"),
        (
            run(turn("writer", completion(), completion()), turn("critic", completion())),
            "llm_calls",
        ),
        (run(turn("writer", completion()), turn("critic", Span("c", "LLM"))), "tokens"),
        (run(turn("writer", completion(), completion())), "agents"),
        (run(turn("writer", completion()), completion()), "agents"),
        (run(turn("critic", turn("writer", completion(), completion()))), "agents"),
        (
            run(turn("writer", completion(), Span("search", "TOOL")), turn("critic", completion())),
            "tool_calls",
        ),
        (
            run(
                turn("writer", completion()),
                turn("critic", dataclasses.replace(completion(), status="ERROR")),
            ),
            "errors",
        ),
    ],
)
def test_missing_duplicated_and_misplaced_spans_are_counted(trace: Trace, count: str) -> None:
    fidelity = measure_fidelity(SERVED, trace)
    assert not fidelity.is_complete
    assert not dict(fidelity)[count].is_equal


def test_a_response_counts_as_a_completion() -> None:
    served = ledger(exchange("writer", path="/v1/responses"))
    assert measure_fidelity(served, run(turn("writer", completion()))).is_complete
    assert not measure_fidelity(served, run(turn("writer"))).llm_calls.is_equal


def test_hidden_attempts_count_as_calls_and_errors() -> None:
    served = ledger(
        exchange("writer", status=429, input_tokens=0, output_tokens=0), exchange("writer", 2)
    )
    hidden = run(turn("writer", completion()))
    assert not measure_fidelity(served, hidden).llm_calls.is_equal
    refused = Span("HTTP 429", "ATTEMPT", "ERROR")
    recorded = dataclasses.replace(
        completion(**{"flight_recorder.http.attempts": 2}), children=(refused,)
    )
    assert measure_fidelity(served, run(turn("writer", recorded))).is_complete


def test_a_failed_attempt_and_its_failed_completion_are_one_error() -> None:
    cut = Span("stream cut", "ATTEMPT", "ERROR")
    failed = dataclasses.replace(completion(), status="ERROR", children=(cut,))
    served = ledger(exchange("writer", delivered=False))
    assert measure_fidelity(served, run(turn("writer", failed))).errors.is_equal


def test_status_202_is_not_an_error() -> None:
    lookup = exchange("archive", path="/lookups", status=202, input_tokens=0, output_tokens=0)
    assert measure_fidelity(ledger(lookup), run()).errors.is_equal


def test_a_delivered_error_status_is_an_error() -> None:
    lookup = exchange("archive", path="/lookups", status=404, input_tokens=0, output_tokens=0)
    assert not measure_fidelity(ledger(lookup), run()).errors.is_equal

"""Sessions: the turns of a conversation, each in its own trace, combined into one trace."""

from typing import Any

import mlflow
import pytest

from instrumentation.trace import Trace, TraceNotFoundError, trace_from_mlflow
from instrumentation.trace.canonical_json import dump_trace, parse_trace
from instrumentation.trace.outline import render_outline
from instrumentation.trace.session import Session
from instrumentation.tracing import enable_tracing, record_run
from scenarios.expectations import (
    ends_with_status,
    output_contains,
)
from scenarios.player.verdict import evaluate
from scenarios.reports.terminal_report import trace_url, ui_instruction
from tests.instrumentation.trace.test_trace import exported_span


def exported_turn(*spans: Any, session: str | None = "s", user: str | None = None) -> Any:
    metadata = {"mlflow.trace.session": session, "mlflow.trace.user": user}
    metadata = {key: value for key, value in metadata.items() if value}
    return {"info": {"trace_id": "tr-1", "trace_metadata": metadata}, "data": {"spans": spans}}


def is_torn(*traces: Any) -> bool:
    """Return whether expectations fail because the trace is torn."""
    (judgement,) = evaluate(trace_from_mlflow(traces), [ends_with_status("OK")])
    return judgement.failure is not None and "expected one root span" in judgement.failure


def test_the_root_of_a_session_is_that_of_its_last_turn() -> None:
    first, last = exported_span("turn", start_ns=1), exported_span("turn", start_ns=5)
    trace = trace_from_mlflow([exported_turn(last), exported_turn(first)])
    assert trace.session == Session("s")
    assert [root.start_ns for root in trace.roots] == [1, 5]
    assert trace.root is trace.roots[-1]
    assert evaluate(trace, [ends_with_status("OK")])[0].passed


def test_traces_of_two_sessions_are_torn() -> None:
    assert is_torn(
        exported_turn(exported_span("turn")), exported_turn(exported_span("turn"), session="other")
    )


def test_several_traces_without_a_session_are_torn() -> None:
    assert is_torn(
        exported_turn(exported_span("turn"), session=None),
        exported_turn(exported_span("turn"), session=None),
    )
    assert is_torn(
        exported_turn(exported_span("turn")), exported_turn(exported_span("turn"), session=None)
    )


def test_a_torn_turn_makes_its_session_torn() -> None:
    assert is_torn(exported_turn(exported_span("turn"), exported_span("orphan", "lost", 3)))
    assert is_torn(
        exported_turn(exported_span("turn")),
        exported_turn(exported_span("turn"), exported_span("orphan", "lost", 3)),
    )
    same_name = exported_span("turn", "lost", 3) | {"span_id": "another"}
    assert is_torn(exported_turn(exported_span("turn"), same_name))


def test_a_span_without_its_turn_is_not_a_turn_of_the_session() -> None:
    llm: dict[str, Any] = {"mlflow.spanType": '"LLM"'}
    completion = exported_span("stream_answer", start_ns=2, **llm)
    assert is_torn(exported_turn(exported_span("turn")), exported_turn(completion))


def test_users_are_listed_in_order_without_duplicates() -> None:
    users = ("ana", "ben", "ana", None)
    turns = [
        exported_turn(exported_span("turn", start_ns=start_ns), user=user)
        for start_ns, user in enumerate(users)
    ]
    assert trace_from_mlflow(turns).session == Session("s", "ana, ben")


def test_a_recorded_session_survives_a_round_trip() -> None:
    trace = trace_from_mlflow(
        [exported_turn(exported_span("turn", start_ns=start_ns), user="ana") for start_ns in (1, 5)]
    )
    parsed = parse_trace(dump_trace(trace), "here")
    assert parsed.session == Session("s", "ana")
    assert (dump_trace(parsed), render_outline(parsed)) == (
        dump_trace(trace),
        render_outline(trace),
    )


def test_a_recorded_trace_without_a_session_mentions_none() -> None:
    trace = trace_from_mlflow([exported_turn(exported_span("run"), session=None)])
    assert "session" not in dump_trace(trace) + render_outline(trace)
    assert parse_trace(dump_trace(trace), "here").session is None


def test_a_session_id_that_is_a_uuid_is_masked() -> None:
    ids = "7f1b2c3d-0000-4000-8000-aabbccddeeff", "11111111-2222-4333-8444-555555555555"
    first, second = (
        trace_from_mlflow([exported_turn(exported_span("turn"), session=id)]) for id in ids
    )
    assert dump_trace(first) == dump_trace(second)
    assert render_outline(first) == render_outline(second) == "turn  [CHAIN OK]  session <id>\n"


def test_an_outline_names_the_session_and_the_user() -> None:
    trace = trace_from_mlflow(
        [exported_turn(exported_span("turn", start_ns=start_ns), user="ana") for start_ns in (1, 5)]
    )
    assert render_outline(trace) == "turn  [CHAIN OK]  session s of ana\n" * 2


def test_the_url_of_a_session_is_that_of_mlflows_session_page() -> None:
    (root,) = trace_from_mlflow([exported_turn(exported_span("turn"))]).roots
    url = trace_url(Trace((root,), ("tr-1",), "7", Session("a b/c")))
    assert url.endswith("/#/experiments/7/chat-sessions/a%20b%2Fc")


def test_the_url_of_a_server_contains_no_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:geheim@127.0.0.1:5001/")
    (root,) = trace_from_mlflow([exported_turn(exported_span("turn"))]).roots
    url = trace_url(Trace((root,), ("tr-1",), "7"))
    assert url == "http://127.0.0.1:5001/#/experiments/7/traces?selectedEvaluationId=tr-1"
    assert ui_instruction() == "open"


def test_a_session_without_an_id_is_rejected() -> None:
    recorded = dump_trace(trace_from_mlflow([exported_turn(exported_span("turn"))])).replace(
        '"id": "s"', '"name": "s"'
    )
    with pytest.raises(TraceNotFoundError, match="over there: not a recorded trace"):
        parse_trace(recorded, "over there")


def test_a_session_in_mlflows_store_is_read_and_keeps_the_tags_of_the_run(store: str) -> None:
    with enable_tracing(store), record_run({"flight_recorder.variant": "twin"}) as run:
        for answer in ("one", "two"):
            with (
                mlflow.tracing.context(session_id="harbour", user="ana", tags={"date": "today"}),
                mlflow.start_span("turn") as span,
            ):
                span.set_outputs(answer)
        stored = run.traces()
    trace = trace_from_mlflow(first.to_dict() for first in stored)
    assert trace.session == Session("harbour", "ana")
    assert evaluate(trace, [output_contains("two")])[0].passed
    assert all({"flight_recorder.variant", "date"} <= set(first.info.tags) for first in stored)

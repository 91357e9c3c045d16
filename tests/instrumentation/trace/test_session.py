"""A session: the turns of one conversation, each a trace of its own, read as one whole."""

from typing import Any

import mlflow
import pytest

from instrumentation.trace.canonical_json import dump_trace, parse_trace
from instrumentation.trace.outline import render_outline
from instrumentation.trace.session import Session
from instrumentation.trace.trace import Trace, TraceNotFoundError, trace_from_mlflow
from instrumentation.tracing import enable_tracing, record_run
from scenarios.expectations import (
    ends_with_status,
    output_contains,
)
from scenarios.player.verdict import evaluate
from scenarios.reports.terminal_report import trace_url, ui_instruction
from tests.instrumentation.trace.test_trace import exported_span


def exported(*spans: Any, session: str | None = "s", user: str | None = None) -> Any:
    told = {"mlflow.trace.session": session, "mlflow.trace.user": user}
    metadata = {key: value for key, value in told.items() if value}
    return {"info": {"trace_id": "tr-1", "trace_metadata": metadata}, "data": {"spans": spans}}


def torn(*traces: Any) -> bool:
    """Whether every expectation of it fails, because it is torn."""
    (judgement,) = evaluate(trace_from_mlflow(traces), [ends_with_status("OK")])
    return judgement.failure is not None and "roots where one was due" in judgement.failure


def test_turns_of_one_session_are_whole_and_its_root_is_that_of_the_last() -> None:
    first, last = exported_span("turn", at=1), exported_span("turn", at=5)
    trace = trace_from_mlflow([exported(last), exported(first)])
    assert trace.session == Session("s")
    assert [root.start_ns for root in trace.roots] == [1, 5]
    assert trace.root is trace.roots[-1]
    assert evaluate(trace, [ends_with_status("OK")])[0].passed


def test_traces_of_two_sessions_are_torn() -> None:
    assert torn(exported(exported_span("turn")), exported(exported_span("turn"), session="other"))


def test_traces_of_no_session_are_torn() -> None:
    assert torn(
        exported(exported_span("turn"), session=None), exported(exported_span("turn"), session=None)
    )
    assert torn(exported(exported_span("turn")), exported(exported_span("turn"), session=None))


def test_a_turn_that_is_torn_tears_its_session() -> None:
    assert torn(exported(exported_span("turn"), exported_span("orphan", "lost", 3)))
    assert torn(
        exported(exported_span("turn")),
        exported(exported_span("turn"), exported_span("orphan", "lost", 3)),
    )
    alike = exported_span("turn", "lost", 3) | {"span_id": "another"}
    assert torn(exported(exported_span("turn"), alike))


def test_a_span_that_lost_its_turn_is_no_turn_of_the_session() -> None:
    llm: dict[str, Any] = {"mlflow.spanType": '"LLM"'}
    completion = exported_span("stream_answer", at=2, **llm)
    assert torn(exported(exported_span("turn")), exported(completion))


def test_who_spoke_is_told_in_order_and_once() -> None:
    users = ("ana", "ben", "ana", None)
    turns = [exported(exported_span("turn", at=at), user=user) for at, user in enumerate(users)]
    assert trace_from_mlflow(turns).session == Session("s", "ana, ben")


def test_a_recorded_session_is_read_as_it_was_written() -> None:
    trace = trace_from_mlflow([exported(exported_span("turn", at=at), user="ana") for at in (1, 5)])
    again = parse_trace(dump_trace(trace), "here")
    assert again.session == Session("s", "ana")
    assert (dump_trace(again), render_outline(again)) == (dump_trace(trace), render_outline(trace))


def test_a_recorded_trace_of_no_session_says_nothing_of_one() -> None:
    trace = trace_from_mlflow([exported(exported_span("run"), session=None)])
    assert "session" not in dump_trace(trace) + render_outline(trace)
    assert parse_trace(dump_trace(trace), "here").session is None


def test_a_session_whose_name_is_an_id_is_recorded_alike_in_every_run() -> None:
    ids = "7f1b2c3d-0000-4000-8000-aabbccddeeff", "11111111-2222-4333-8444-555555555555"
    one, other = (trace_from_mlflow([exported(exported_span("turn"), session=id)]) for id in ids)
    assert dump_trace(one) == dump_trace(other)
    assert render_outline(one) == render_outline(other) == "turn  [CHAIN OK]  session <id>\n"


def test_an_outline_says_whose_turns_they_are() -> None:
    trace = trace_from_mlflow([exported(exported_span("turn", at=at), user="ana") for at in (1, 5)])
    assert render_outline(trace) == "turn  [CHAIN OK]  session s of ana\n" * 2


def test_a_session_is_read_on_the_page_of_sessions() -> None:
    (root,) = trace_from_mlflow([exported(exported_span("turn"))]).roots
    told = trace_url(Trace((root,), ("tr-1",), "7", Session("a b/c")))
    assert told.endswith("/#/experiments/7/chat-sessions/a%20b%2Fc")


def test_the_page_of_a_server_is_open_and_shows_no_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:geheim@127.0.0.1:5001/")
    (root,) = trace_from_mlflow([exported(exported_span("turn"))]).roots
    told = trace_url(Trace((root,), ("tr-1",), "7"))
    assert told == "http://127.0.0.1:5001/#/experiments/7/traces?selectedEvaluationId=tr-1"
    assert ui_instruction() == "open"


def test_a_half_written_session_is_no_recorded_trace() -> None:
    recorded = dump_trace(trace_from_mlflow([exported(exported_span("turn"))])).replace(
        '"id": "s"', '"name": "s"'
    )
    with pytest.raises(TraceNotFoundError, match="over there: not a recorded trace"):
        parse_trace(recorded, "over there")


def test_what_mlflow_stored_of_a_session_is_read_and_keeps_the_tags_of_the_run(store: str) -> None:
    with enable_tracing(store), record_run({"flight_recorder.variant": "twin"}) as run:
        for said in ("one", "two"):
            with (
                mlflow.tracing.context(session_id="harbour", user="ana", tags={"date": "today"}),
                mlflow.start_span("turn") as span,
            ):
                span.set_outputs(said)
        stored = run.traces()
    trace = trace_from_mlflow(one.to_dict() for one in stored)
    assert trace.session == Session("harbour", "ana")
    assert evaluate(trace, [output_contains("two")])[0].passed
    assert all({"flight_recorder.variant", "date"} <= set(one.info.tags) for one in stored)

"""A session: the turns of one conversation, each a trace of its own, read as one whole."""

from typing import Any

import mlflow
import pytest

from instrumentation.trace.canonical_json import dumps, loads
from instrumentation.trace.outline import outline
from instrumentation.trace.session import Session
from instrumentation.trace.trace import NoTrace, Trace, from_mlflow
from instrumentation.tracing import recorded, traced
from scenarios.expectations import ends, output_keeps
from scenarios.player.verdict import judged
from scenarios.reports.terminal_report import address, opening
from tests.instrumentation.trace.test_trace import flat


def exported(*spans: Any, session: str | None = "s", user: str | None = None) -> Any:
    told = {"mlflow.trace.session": session, "mlflow.trace.user": user}
    metadata = {key: value for key, value in told.items() if value}
    return {"info": {"trace_id": "tr-1", "trace_metadata": metadata}, "data": {"spans": spans}}


def torn(*traces: Any) -> bool:
    """Whether every expectation of it fails, because it is torn."""
    (judgement,) = judged(from_mlflow(traces), [ends("OK")])
    return judgement.why_not is not None and "roots where one was due" in judgement.why_not


def test_turns_of_one_session_are_whole_and_its_root_is_that_of_the_last() -> None:
    first, last = flat("turn", at=1), flat("turn", at=5)
    trace = from_mlflow([exported(last), exported(first)])
    assert trace.session == Session("s")
    assert [root.start_ns for root in trace.roots] == [1, 5]
    assert trace.root is trace.roots[-1]
    assert judged(trace, [ends("OK")])[0].held


def test_traces_of_two_sessions_are_torn() -> None:
    assert torn(exported(flat("turn")), exported(flat("turn"), session="other"))


def test_traces_of_no_session_are_torn() -> None:
    assert torn(exported(flat("turn"), session=None), exported(flat("turn"), session=None))
    assert torn(exported(flat("turn")), exported(flat("turn"), session=None))


def test_a_turn_that_is_torn_tears_its_session() -> None:
    assert torn(exported(flat("turn"), flat("orphan", "lost", 3)))
    assert torn(exported(flat("turn")), exported(flat("turn"), flat("orphan", "lost", 3)))
    alike = flat("turn", "lost", 3) | {"span_id": "another"}
    assert torn(exported(flat("turn"), alike))


def test_a_span_that_lost_its_turn_is_no_turn_of_the_session() -> None:
    llm: dict[str, Any] = {"mlflow.spanType": '"LLM"'}
    completion = flat("stream_answer", at=2, **llm)
    assert torn(exported(flat("turn")), exported(completion))


def test_who_spoke_is_told_in_order_and_once() -> None:
    users = ("ana", "ben", "ana", None)
    turns = [exported(flat("turn", at=at), user=user) for at, user in enumerate(users)]
    assert from_mlflow(turns).session == Session("s", "ana, ben")


def test_a_recorded_session_is_read_as_it_was_written() -> None:
    trace = from_mlflow([exported(flat("turn", at=at), user="ana") for at in (1, 5)])
    again = loads(dumps(trace), "here")
    assert again.session == Session("s", "ana")
    assert (dumps(again), outline(again)) == (dumps(trace), outline(trace))


def test_a_recorded_trace_of_no_session_says_nothing_of_one() -> None:
    trace = from_mlflow([exported(flat("run"), session=None)])
    assert "session" not in dumps(trace) + outline(trace)
    assert loads(dumps(trace), "here").session is None


def test_a_session_whose_name_is_an_id_is_recorded_alike_in_every_run() -> None:
    ids = "7f1b2c3d-0000-4000-8000-aabbccddeeff", "11111111-2222-4333-8444-555555555555"
    one, other = (from_mlflow([exported(flat("turn"), session=id)]) for id in ids)
    assert dumps(one) == dumps(other)
    assert outline(one) == outline(other) == "turn  [CHAIN OK]  session <id>\n"


def test_an_outline_says_whose_turns_they_are() -> None:
    trace = from_mlflow([exported(flat("turn", at=at), user="ana") for at in (1, 5)])
    assert outline(trace) == "turn  [CHAIN OK]  session s of ana\n" * 2


def test_a_session_is_read_on_the_page_of_sessions() -> None:
    (root,) = from_mlflow([exported(flat("turn"))]).roots
    told = address(Trace((root,), ("tr-1",), "7", Session("a b/c")))
    assert told.endswith("/#/experiments/7/chat-sessions/a%20b%2Fc")


def test_the_page_of_a_server_is_open_and_shows_no_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:geheim@127.0.0.1:5001/")
    (root,) = from_mlflow([exported(flat("turn"))]).roots
    told = address(Trace((root,), ("tr-1",), "7"))
    assert told == "http://127.0.0.1:5001/#/experiments/7/traces?selectedEvaluationId=tr-1"
    assert opening() == "open"


def test_a_half_written_session_is_no_recorded_trace() -> None:
    recorded = dumps(from_mlflow([exported(flat("turn"))])).replace('"id": "s"', '"name": "s"')
    with pytest.raises(NoTrace, match="over there: not a recorded trace"):
        loads(recorded, "over there")


def test_what_mlflow_stored_of_a_session_is_read_and_keeps_the_tags_of_the_run(store: str) -> None:
    with traced(store), recorded({"flight.variant": "twin"}) as run:
        for said in ("one", "two"):
            with (
                mlflow.tracing.context(session_id="harbour", user="ana", tags={"date": "today"}),
                mlflow.start_span("turn") as span,
            ):
                span.set_outputs(said)
        stored = run.traces()
    trace = from_mlflow(one.to_dict() for one in stored)
    assert trace.session == Session("harbour", "ana")
    assert judged(trace, [output_keeps("two")])[0].held
    assert all({"flight.variant", "date"} <= set(one.info.tags) for one in stored)

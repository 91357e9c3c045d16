"""A trace as a tree of spans: how it is read, in which order, and which input is rejected."""

import json
from typing import Any

import mlflow
import pytest

from instrumentation import enable_tracing, record_run
from instrumentation.trace import Trace, TraceNotFoundError, trace_from_mlflow
from instrumentation.trace.span import Span, sort_siblings


def exported_span(
    name: str, parent: str | None = None, start_ns: int = 0, end_ns: int = 0, **attributes: Any
) -> Any:
    """A span as MLflow exports it; its id is its name."""
    return {
        "name": name,
        "span_id": name,
        "parent_span_id": parent,
        "start_time_unix_nano": start_ns,
        "end_time_unix_nano": end_ns or start_ns + 1,
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": {"mlflow.spanType": '"CHAIN"'} | attributes,
    }


def exported_trace(*spans: Any) -> Any:
    return {"info": {"trace_id": "tr-1"}, "data": {"spans": list(spans)}}


def test_children_are_sorted_by_their_start() -> None:
    trace = trace_from_mlflow(
        [
            exported_trace(
                exported_span("b", "root", 5), exported_span("a", "root", 2), exported_span("root")
            )
        ]
    )
    assert [span.name for span in trace] == ["root", "a", "b"]


def test_overlapping_spans_are_sorted_by_name() -> None:
    spans = [Span("c", "AGENT", start_ns=1, end_ns=9), Span("b", "AGENT", start_ns=2, end_ns=3)]
    late = Span("a", "AGENT", start_ns=10, end_ns=11)
    for order in ([*spans, late], [late, *reversed(spans)]):
        assert [span.name for span in sort_siblings(order)] == ["b", "c", "a"]


def test_tool_calls_of_one_reply_have_the_same_order_whether_they_overlap_or_not() -> None:
    def call(key: str, start: int, end: int) -> Span:
        return Span("look_up", "TOOL", inputs={"key": key}, start_ns=start, end_ns=end)

    overlapping = [call("b", 1, 9), call("a", 2, 3)]
    one_by_one = [call("b", 1, 2), call("a", 3, 4)]
    for calls in (overlapping, one_by_one):
        assert [span.inputs["key"] for span in sort_siblings(calls)] == ["a", "b"]


def test_tool_calls_of_two_replies_are_sorted_by_their_start() -> None:
    spans = [
        Span("look_up", "TOOL", inputs="b", start_ns=1, end_ns=2),
        Span("call", "LLM", start_ns=3, end_ns=4),
        Span("look_up", "TOOL", inputs="a", start_ns=5, end_ns=6),
    ]
    assert sort_siblings(spans) == tuple(spans)


@pytest.mark.parametrize(
    ("concurrent", "order"), [(["fast"], ["fast", "slow"]), ([], ["slow", "fast"])]
)
def test_handoffs_from_concurrent_turns_are_sorted_by_name(
    concurrent: list[str], order: list[str]
) -> None:
    """Which of two concurrent turns ends first is accidental."""

    def turn(agent: str, start: int) -> Span:
        attributes = {"gen_ai.agent.name": agent, "flight_recorder.turn.alongside": concurrent}
        return Span(agent, "AGENT", attributes=attributes, start_ns=start, end_ns=start + 1)

    def handoff(sender: str, start: int) -> Span:
        attributes = {"flight_recorder.handoff.from_agent": sender}
        return Span(sender, "HANDOFF", attributes=attributes, start_ns=start, end_ns=start)

    spans = [turn("slow", 1), turn("fast", 3), handoff("slow", 5), handoff("fast", 6)]
    assert [span.name for span in sort_siblings(spans)[-2:]] == order


def test_a_span_without_its_parent_becomes_a_root() -> None:
    trace = trace_from_mlflow(
        [exported_trace(exported_span("root"), exported_span("orphan", "lost", 3))]
    )
    assert [root.name for root in trace.roots] == ["root", "orphan"]
    with pytest.raises(
        TraceNotFoundError, match="expected one root span, but the run has 2: root, orphan"
    ):
        _ = trace.root


def test_traces_of_one_run_are_combined() -> None:
    trace = trace_from_mlflow(
        [exported_trace(exported_span("one")), exported_trace(exported_span("two"))]
    )
    assert [root.name for root in trace.roots] == ["one", "two"]


def test_a_missing_trace_and_a_trace_without_spans_are_errors() -> None:
    with pytest.raises(TraceNotFoundError, match="no trace in MLflow"):
        trace_from_mlflow([])
    with pytest.raises(TraceNotFoundError, match="tr-1 has no spans"):
        trace_from_mlflow([exported_trace()])


def test_attributes_are_decoded_and_bookkeeping_is_omitted() -> None:
    attributes: dict[str, Any] = {
        "mlflow.traceRequestId": '"tr-1"',
        "mlflow.spanInputs": '{"task": "é"}',
        "mlflow.chat.tokenUsage": '{"input_tokens": 3, "output_tokens": 4}',
        "plain": "no json",
    }
    (span,) = trace_from_mlflow([exported_trace(exported_span("root", **attributes))])
    assert span.inputs == {"task": "é"}
    assert (span.tokens.input, span.tokens.output, span.tokens.total) == (3, 4, 7)
    assert span.attributes["plain"] == "no json"
    assert "mlflow.traceRequestId" not in span.attributes


def test_numbers_that_mlflow_adds_to_names_are_removed_and_others_stay() -> None:
    spans = [
        exported_span("create_1", "root", 1),
        exported_span("create_2", "root", 2),
        exported_span("agent_7", "root", 3),
    ]
    trace = trace_from_mlflow([exported_trace(exported_span("root"), *spans)])
    assert [span.name for span in trace] == ["root", "create", "create", "agent_7"]


def test_turns_and_handoffs_are_found_by_agent() -> None:
    turn = Span("writer", "AGENT", attributes={"gen_ai.agent.name": "writer"})
    handoff = Span(
        "writer → critic",
        "HANDOFF",
        attributes={
            "flight_recorder.handoff.from_agent": "writer",
            "flight_recorder.handoff.to_agent": "critic",
        },
    )
    trace = Trace((Span("team", "CHAIN", children=(turn, handoff, turn)),))
    assert trace.turns("writer") == (turn, turn)
    assert trace.turns("critic") == ()
    assert trace.handoffs("writer", "critic") == (handoff,)
    assert trace.handoffs("critic", "writer") == ()
    assert trace.agents == ("writer",)


def test_a_later_turn_alone_does_not_hide_earlier_concurrent_turns() -> None:
    def turn(name: str, start_ns: int, concurrent: list[str]) -> Span:
        attributes = {"flight_recorder.turn.alongside": concurrent}
        return Span(name, "AGENT", attributes=attributes, start_ns=start_ns, end_ns=start_ns + 5)

    def handoff(name: str, start_ns: int) -> Span:
        attributes = {"flight_recorder.handoff.from_agent": name}
        return Span(f"{name} → c", "HANDOFF", attributes=attributes, start_ns=start_ns)

    later = turn("b", 50, [])
    for first, second in ("ab", "ba"):
        concurrent_turns = (
            turn("a", 1, ["b"]),
            turn("b", 2, ["a"]),
            handoff(first, 10),
            handoff(second, 11),
        )
        names = [span.name for span in sort_siblings((*concurrent_turns, later))]
        assert names == ["a", "b", "a → c", "b → c", "b"]


def test_a_span_without_an_end_is_not_ok() -> None:
    never_ended = exported_span("b", "a") | {"end_time_unix_nano": None}
    trace = trace_from_mlflow([exported_trace(exported_span("a"), never_ended)])
    (span,) = trace.root.children
    assert (span.status, span.failed, span.status_message) == (
        "IN_PROGRESS",
        True,
        "the span never ended",
    )
    with pytest.raises(TraceNotFoundError, match="the span b never ended"):
        trace.require_complete()


def test_a_root_that_was_never_stored_counts_as_never_ended() -> None:
    exported = exported_trace(exported_span("writer", "lost"))
    exported["info"] |= {"state": "IN_PROGRESS", "tags": {"mlflow.traceName": "review"}}
    trace = trace_from_mlflow([exported])
    assert (trace.root.name, trace.root.status) == ("review", "IN_PROGRESS")
    assert [span.name for span in trace] == ["review", "writer"]


@pytest.mark.parametrize(
    "usage", ["", "1e400", "[]", '{"input_tokens": null}', '{"input_tokens": 1e400}', "[" * 99_999]
)
def test_a_token_usage_of_another_shape_counts_as_none(usage: str) -> None:
    span = exported_span("a", None, 0, 0, **{"mlflow.chat.tokenUsage": usage})
    assert trace_from_mlflow([exported_trace(span)]).root.tokens.total == 0


def test_a_value_that_is_nested_deep_stays_a_text() -> None:
    for depth, is_text in ((150, False), (500, True), (100_000, True)):
        deep = "[" * depth + "]" * depth
        span = exported_span("a", None, 0, 0, **{"mlflow.spanInputs": deep})
        assert (trace_from_mlflow([exported_trace(span)]).root.inputs == deep) is is_text


def test_brackets_in_a_text_do_not_nest_a_value() -> None:
    inputs = {"arguments": '"' + "[" * 900}
    span = exported_span("a", None, 0, 0, **{"mlflow.spanInputs": json.dumps(inputs)})
    assert trace_from_mlflow([exported_trace(span)]).root.inputs == inputs


def test_the_id_of_a_span_is_that_of_mlflows_api() -> None:
    span = exported_span("a") | {"span_id": "Ex5oiTNLnuw="}
    assert trace_from_mlflow([exported_trace(span)]).root.id == "131e6889334b9eec"


@pytest.mark.parametrize(
    ("text", "value"),
    [('{"a": [1]}', {"a": [1]}), ('["a"]', ["a"]), ('"a"', "a"), ("5", "5"), ("true", "true")],
)
def test_a_text_that_encodes_a_value_is_read_alike_from_each_version_of_mlflow(
    store: str, text: str, value: Any
) -> None:
    with enable_tracing(store), record_run() as run, mlflow.start_span("work") as span:
        span.set_inputs(text)
        span.set_outputs(text)
    root = trace_from_mlflow(exported.to_dict() for exported in run.traces()).root
    assert (root.inputs, root.outputs) == (value, value)

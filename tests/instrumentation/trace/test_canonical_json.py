"""Recorded traces: volatile values are left out, and the rest survives a round trip."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instrumentation.trace import Trace, TraceNotFoundError
from instrumentation.trace.canonical_json import (
    dump_trace,
    load_trace,
    mask_volatile_ids,
    parse_trace,
)
from instrumentation.trace.outline import render_outline
from instrumentation.trace.span import Span

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
leaves = st.builds(
    Span,
    name=st.text(max_size=12),
    type=st.sampled_from(["CHAIN", "AGENT", "LLM", "TOOL", "HANDOFF"]),
    status=st.sampled_from(["OK", "ERROR", "UNSET"]),
    status_message=st.text(max_size=30),
    inputs=json_values,
    outputs=json_values,
    attributes=st.dictionaries(st.text(max_size=8), json_values, max_size=3),
)
spans = st.recursive(
    leaves,
    lambda inner: st.builds(
        Span, name=st.text(max_size=5), type=st.just("CHAIN"), children=st.lists(inner).map(tuple)
    ),
    max_leaves=6,
)


@pytest.mark.long
@given(spans)
def test_a_recorded_trace_survives_a_round_trip(root: Span) -> None:
    text = dump_trace(Trace((root,)))
    assert dump_trace(parse_trace(text, "here")) == text


def test_times_ports_and_ids_are_left_out() -> None:
    def run(port: int, message_id: str, time_ns: int) -> Trace:
        status_message = f"no answer from 127.0.0.1:{port}"
        attributes = {"time_to_first_chunk": time_ns, "flight_recorder.http.attempts": 2}
        message = {"content": "hello", "message": message_id, "created_at": time_ns}
        return Trace(
            (
                Span(
                    "root",
                    "LLM",
                    "ERROR",
                    status_message,
                    message,
                    None,
                    attributes,
                    (),
                    time_ns,
                    time_ns,
                ),
            )
        )

    first = run(1234, "7f1b2c3d-0000-4000-8000-aabbccddeeff", 17)
    second = run(4321, "11111111-2222-4333-8444-555555555555", 99)
    assert dump_trace(first) == dump_trace(second)
    assert '"flight_recorder.http.attempts": 2' in dump_trace(first)


@pytest.mark.parametrize("inputs", [{}, {"to_s": 4, "from_s": 0}, {"arguments": "no JSON"}, None])
def test_the_outline_of_a_tool_call_survives_a_round_trip(inputs: Any) -> None:
    trace = Trace((Span("root", "CHAIN", children=(Span("look_up", "TOOL", inputs=inputs),)),))
    assert render_outline(parse_trace(dump_trace(trace), "here")) == render_outline(trace)


def test_numbers_and_words_are_not_masked_as_ids() -> None:
    text = "226 km, 4.45, 23 September 1999, 10:30, 0x1f"
    assert mask_volatile_ids(text) == text


@given(st.text() | json_values.map(str))
def test_text_that_is_not_a_recorded_trace_is_rejected(text: str) -> None:
    with pytest.raises(TraceNotFoundError, match="over there"):
        parse_trace(text, "over there")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        TraceNotFoundError, match=r"broken\.json: no trace has been recorded here yet"
    ):
        load_trace(tmp_path / "broken.json")

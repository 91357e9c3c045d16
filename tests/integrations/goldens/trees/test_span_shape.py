"""A span shape keeps structure and types, and nothing that varies between equal runs."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE, Span
from instrumentation.trace.trace import Trace
from integrations.goldens.trees.shape_text import ShapeSyntaxError, format_shapes, parse_shapes
from integrations.goldens.trees.span_shape import SpanShape, trace_shapes
from tests.integrations.goldens.trees.sample_shapes import (
    forests,
    make_crew,
    make_shape,
    make_turn,
    shuffle_siblings,
)

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def shape(**fields: Any) -> SpanShape:
    """The shape of a span with these fields."""
    (span_shape,) = trace_shapes(Trace((Span(**({"name": "ask", "type": "LLM"} | fields)),)))
    return span_shape


def attributes(**fields: Any) -> dict[str, str]:
    return dict(shape(**fields).attributes)


def test_types_are_kept_and_values_are_left_out() -> None:
    fields = {"a": "x", "b": 1, "c": 1.5, "d": True, "e": [1], "f": {"x": 1}, "g": None}
    assert attributes(attributes=fields) == {
        "a": "string", "b": "number", "c": "number", "d": "boolean",
        "e": "array", "f": "object", "g": "null",
    }  # fmt: skip


def test_recorded_inputs_outputs_tokens_and_cost_are_attributes() -> None:
    tokens_attribute = {
        TOKEN_USAGE_ATTRIBUTE: {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4}
    }
    assert attributes(inputs=[], outputs="", attributes=tokens_attribute, cost_usd=0.0) == {
        "inputs": "array", "outputs": "string", "tokens": "number", "cost": "number",
    }  # fmt: skip
    assert attributes(attributes={TOKEN_USAGE_ATTRIBUTE: {}}) == {}


@pytest.mark.parametrize(
    "key",
    [
        "mlflow.traceRequestId", "mlflow.experimentId", "mlflow.spanLogLevel",
        "gen_ai.tool.call.id", "gen_ai.response.id", "crew_id", "session.id", "requestId",
        "duration_ms", "llm.time_to_first_token", "latency", "start_time_unix_nano", "created_at",
    ],
)  # fmt: skip
def test_bookkeeping_times_and_ids_are_left_out(key: str) -> None:
    assert attributes(attributes={key: "1"}) == {}


@pytest.mark.parametrize(
    "key", ["api_key", "gen_ai.usage.input_tokens", "mlflow.llm.model", "id_card"]
)
def test_a_key_that_only_resembles_an_id_is_kept(key: str) -> None:
    assert attributes(attributes={key: "1"}) == {key: "string"}


def test_a_flattened_list_is_one_attribute_of_any_length() -> None:
    short = {"llm.messages.0.role": "user", "llm.messages.0.content": "x"}
    long = short | {"llm.messages.1.role": "tool", "llm.messages.1.content": "y"}
    assert attributes(attributes=short) == attributes(attributes=long)
    assert "llm.messages.#.role" in attributes(attributes=short)


def test_a_flattened_list_may_have_several_types() -> None:
    mixed = {"messages.0.content": "x", "messages.1.content": ["x"]}
    assert attributes(attributes=mixed) == {"messages.#.content": "array|string"}


@pytest.mark.parametrize(
    ("name", "scrubbed"),
    [
        (f"Crew_{UUID}.kickoff", "Crew_<id>.kickoff"),
        (f"autogen process writer_{UUID}/{UUID}", "autogen process writer_<id>/<id>"),
        ("POST http://127.0.0.1:4711/v1", "POST http://127.0.0.1:<port>/v1"),
        ("<Agent object at 0x7f3a2b1c9d90>", "<Agent object at <address>>"),
        ("task 5f4dcc3b5aa765d61d8327deb882cf99", "task <id>"),
        ("two\nlines  apart", "two lines apart"),
        ("", "(nameless)"),
        ("effectiveness of 2026", "effectiveness of 2026"),
    ],
)
def test_ids_and_addresses_in_a_name_are_masked(name: str, scrubbed: str) -> None:
    assert shape(name=name).name == scrubbed


def test_the_order_of_siblings_does_not_depend_on_times() -> None:
    a, b = Span("a", "TOOL", start_ns=1), Span("b", "TOOL", start_ns=2)
    late = replace(a, start_ns=3)
    assert trace_shapes(Trace((a, b))) == trace_shapes(Trace((b, late)))


def test_equal_siblings_are_one_line() -> None:
    shapes = [
        make_crew(
            make_turn("writer", make_shape("ask", keys="b a")),
            make_turn("writer", make_shape("ask", keys="a b")),
        )
    ]
    assert list(format_shapes(shapes)) == [
        "office  [CHAIN OK]",
        "  writer  [AGENT OK]  × 2",
        "    ask  [LLM OK]  a:string b:string",
    ]


@given(forests(["x", "x y", "× 2", "[LLM OK]", "a:b", "é → ü", "(nameless)"], 12))
def test_formatted_shapes_are_parsed_again(shapes: list[SpanShape]) -> None:
    lines = list(format_shapes(shapes))
    assert list(format_shapes(parse_shapes(lines))) == lines
    assert sum(len(list(root)) for root in parse_shapes(lines)) == sum(len(list(r)) for r in shapes)


@given(st.text(), st.text(), st.text(), st.dictionaries(st.text(), st.integers()))
def test_any_name_is_formatted_and_parsed_again(
    name: str, type: str, status: str, fields: dict[str, int]
) -> None:
    shapes = trace_shapes(Trace((Span(name, type, status, attributes=fields),)))
    assert parse_shapes(list(format_shapes(shapes))) == shapes


@given(forests("xyz", 12), st.integers())
def test_equal_shapes_have_equal_lines(shapes: list[SpanShape], seed: int) -> None:
    assert list(format_shapes(shuffle_siblings(shapes, Random(seed)))) == list(
        format_shapes(shapes)
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["office"], "line 1: expected"),
        (["office  [CHAIN OK]", " a  [LLM OK]"], "line 2: expected"),
        (["office  [CHAIN OK]  inputs"], "line 1: expected"),
        (["  office  [CHAIN OK]"], "first line is indented"),
        (["office  [CHAIN OK]", "    ask  [LLM OK]"], "line after line 1 is indented by more"),
        (["  " * 201 + "a  [LLM OK]"], "nested more than 200"),
    ],
)
def test_an_invalid_line_is_refused_with_its_number(lines: list[str], message: str) -> None:
    with pytest.raises(ShapeSyntaxError, match=message):
        parse_shapes(lines)

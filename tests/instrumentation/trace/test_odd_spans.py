"""A span that is not as exported is named with its field; odd values are read all the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from instrumentation.trace import TraceNotFoundError
from instrumentation.trace.outline import render_outline
from instrumentation.trace.trace_file import load_traces

SPAN = {
    "name": "look_up",
    "span_id": "a",
    "parent_span_id": None,
    "start_time_unix_nano": 1,
    "end_time_unix_nano": 2,
    "status": {"code": "STATUS_CODE_OK"},
    "attributes": {"mlflow.spanType": '"TOOL"'},
}
OTLP_SPAN = {
    "traceId": "1",
    "spanId": "a",
    "name": "look_up",
    "startTimeUnixNano": "1",
    "endTimeUnixNano": "2",
}
NS = "expected nanoseconds since 1970"


def in_mlflow(**fields: Any) -> Any:
    return {"data": {"spans": [SPAN, SPAN | {"span_id": "b"} | fields]}}


def in_otlp(**fields: Any) -> Any:
    return {"resourceSpans": [{"scopeSpans": [{"spans": [OTLP_SPAN | fields]}]}]}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (in_mlflow(span_id=["x"]), "span 2 ('look_up'): \"span_id\" is ['x']; expected a text"),
        (in_mlflow(parent_span_id={}), '"parent_span_id" is {}; expected a text, or null'),
        (in_mlflow(name=None), 'span 2: "name" is None; expected a text'),
        (in_mlflow(start_time_unix_nano=float("nan")), f"\"start_time_unix_nano\" is 'NaN'; {NS}"),
        (in_mlflow(start_time_unix_nano=-(10**30)), f'"start_time_unix_nano" is -1e+30; {NS}'),
        (in_mlflow(end_time_unix_nano=10**30), f'"end_time_unix_nano" is 1e+30; {NS}'),
        (in_mlflow(status="OK"), "\"status\" is 'OK'; expected an object with a code"),
        (in_mlflow(status={"code": 7}), "\"status\" is {'code': 7}; expected an object with a"),
        (in_mlflow(attributes=None), '"attributes" is None; expected an object'),
        ({"info": [1]} | in_mlflow(), '"info" of a trace is [1]; expected an object'),
        ({"info": {"tags": [1]}} | in_mlflow(), "the tags of a trace are [1]; expected an object"),
        ({"resourceSpans": "x"}, "\"resourceSpans\" is 'x'; expected a list of objects"),
        ({"resourceSpans": [{"scopeSpans": [1]}]}, '"scopeSpans" is [1]; expected a list of obj'),
        (in_otlp(startTimeUnixNano="soon"), f"\"start_time_unix_nano\" is 'soon'; {NS}"),
        (in_otlp(status={"code": 99}), "('look_up'): \"status\" is {'code': 99, "),
        (in_otlp(status=[1]), '"status" is [1]; expected an object with a code'),
        (in_otlp(attributes="x"), "span 'look_up': its attributes are 'x'; expected a list"),
        (in_otlp(attributes=[{"value": 1}]), "its attributes are [{'value': 1}]; expected a list"),
        (
            in_otlp(attributes=[{"key": "a", "value": {"intValue": "x"}}]),
            "span 'look_up': an attribute is {'intValue': 'x'}; expected a value of OTLP JSON",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_span_that_is_not_as_exported_is_named_with_its_field(
    content: Any, sentence: str, tmp_path: Path
) -> None:
    file = tmp_path / "odd.json"
    file.write_text(json.dumps(content))
    with pytest.raises(TraceNotFoundError, match=r"odd\.json: ") as error:
        load_traces(file)
    assert sentence in str(error.value)


def test_values_of_other_types_are_read_as_texts(tmp_path: Path) -> None:
    file = tmp_path / "odd.json"
    fields = {
        "status": {"code": "STATUS_CODE_ERROR", "message": ["no such city"]},
        "attributes": {"mlflow.spanType": "5", "mlflow.traceRequestId": "7"},
    }
    file.write_text(json.dumps({"data": {"spans": [SPAN | fields]}}))
    span = load_traces(file)[0].root
    assert (span.type, span.trace_id, span.status_message) == ("5", "7", "['no such city']")


def test_documents_one_after_another_are_read_as_jq_prints_them(tmp_path: Path) -> None:
    file = tmp_path / "several.json"
    traces = [{"data": {"spans": [SPAN | {"name": name}]}} for name in ("one", "two")]
    file.write_text("\n".join(json.dumps(trace, indent=2) for trace in traces))
    assert [trace.root.name for trace in load_traces(file)] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"rate": NaN}', {"rate": "NaN"}),
        ("[-Infinity, 1e400]", ["-Infinity", "1e400"]),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("18446744073709551615", 18446744073709551615),
        ("9" * 400, "9" * 400),
        (r'{"\udfff": "half \ud83d, whole \ud83d\ude00"}', {"\ufffd": "half \ufffd, whole 😀"}),
    ],
    ids=["NaN", "infinite", "wide", "64 bits", "long", "surrogates"],
)
def test_values_that_json_cannot_hold_are_replaced(text: str, value: Any, tmp_path: Path) -> None:
    """They would make the JSON of reports invalid, and no tape could be made of them."""
    file = tmp_path / "odd.json"
    attributes = {"mlflow.spanOutputs": text}
    file.write_text(json.dumps({"data": {"spans": [SPAN | {"attributes": attributes}]}}))
    assert load_traces(file)[0].root.outputs == value


@pytest.mark.parametrize("value", ["5", '["w", null]', "{}", "true"])
def test_attributes_of_other_types_do_not_prevent_sorting(value: str, tmp_path: Path) -> None:
    file = tmp_path / "odd.json"
    names = ("turn.alongside", "handoff.from_agent", "handoff.efficiency_score")
    attributes = {f"flight_recorder.{name}": value for name in names}
    spans = [
        SPAN | {"span_id": f"{kind}{number}", "attributes": {**attributes, "mlflow.spanType": kind}}
        for kind in ("HANDOFF", "AGENT")
        for number in (1, 2)
    ]
    file.write_text(json.dumps({"data": {"spans": spans}}))
    outline = render_outline(load_traces(file)[0])
    assert outline.count("look_up") == 4

"""A tape is parsed completely, or rejected with file, line number and reason."""

import contextlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.tape.tape import Tape, TapeError
from tests.support.tapes import make_tape, reply_line, service_line

DIGEST = "sha256:" + "0" * 64


def recorded_line(**changed: Any) -> dict[str, Any]:
    line = {"lane": "a", "origin": "recorded", "digest": DIGEST, "request": {}}
    return line | {"response": {"status": 200, "body": {}}} | changed


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b'{"lane": "\xff"}', "not UTF-8: byte 11 of the line is 0xff"),
        (b"[]", "a line must be a JSON object, not a list"),
        ({"lane": 3}, "'lane' must be a string, not a number"),
        ({"origin": "scripted", "reply": {"content": "x"}}, '"lane" is missing'),
        ({"lane": "a", "reply": {"content": "x"}}, '"origin" must be'),
        (reply_line("a", "x") | {"wehn": "y"}, "unknown key 'wehn'; nearest: 'when'"),
        (reply_line("a", "x") | {"when": "("}, "not a regular expression"),
        (reply_line("a", "x") | {"when": "[[a]"}, "not a regular expression"),
        (reply_line("a", "x") | {"when": "a{99999999999999999999}"}, "not a regular expression"),
        (reply_line("a", "x") | {"path": "v1"}, '"path" must begin with "/"'),
        (
            reply_line("a", "x") | {"digest": DIGEST},
            "a scripted line has a \"reply\", not a 'digest'",
        ),
        ({"lane": "a", "origin": "scripted"}, 'a scripted line needs a "reply"'),
        (reply_line("a", None), "the reply is empty"),
        (reply_line("a", 7), '"content" must be a string, null or an object, not a number'),
        (reply_line("a", "x", contnet="y"), "unknown key of reply 'contnet'; nearest: 'content'"),
        (reply_line("a", "x", tool_calls=None), '"tool_calls" must be a list of objects'),
        (
            reply_line("a", None, tool_calls=[{"name": "f", "args": 1}]),
            "unknown key of a tool call",
        ),
        (reply_line("a", None, tool_calls=[{"arguments": {}}]), 'a tool call needs a "name"'),
        (
            reply_line("a", None, tool_calls=[{"name": "f", "arguments": [1]}]),
            '"arguments" must be an object',
        ),
        (
            reply_line("a", "x", usage={"prompt_tokens": -1}),
            "'prompt_tokens' must be a number of tokens",
        ),
        (reply_line("a", "${altitude}", "(?P<altitud>x)"), "captures altitud; nearest: 'altitud'"),
        (reply_line("a", "${altitude}"), 'uses ${altitude}, which "when" does not capture'),
        (
            reply_line("a", None, tool_calls=[{"name": "f", "arguments": {"x": "${y}"}}]),
            "uses ${y}",
        ),
        (service_line("s", "/x", 1) | {"reply": {"json": 1, "text": "x"}}, '"json" or "text"'),
        (service_line("s", "/x", 1) | {"reply": {"json": 1, "status": 99}}, "from 200 to 599"),
        (
            reply_line("a", "x") | {"path": "/v1/embeddings", "reply": {"embeddings": ["x"]}},
            "of vectors",
        ),
        (
            reply_line("a", "x") | {"path": "/v1/embeddings", "reply": {"embeddings": [[1e39]]}},
            "list of vectors",
        ),
        (recorded_line(reply={"content": "x"}), 'a recorded line has a "response"'),
        (recorded_line(digest="sha1:00"), '"digest" must be "sha256:" and 64 hex digits'),
        (recorded_line(response={"status": 200}), 'one of "body", "text", "frames"'),
        (recorded_line(response={"frames": [1]}), '"frames" must be a list of strings'),
        (recorded_line(recorded={"ms": "5"}), "must be in milliseconds, not '5'"),
        (recorded_line(recorded={"start_ms": None}), "must be in milliseconds, not None"),
        (recorded_line(recorded={"frames_ms": [-1]}), "must be in milliseconds, not -1"),
        (recorded_line(recorded={"frames_ms": 5}), "must be a list of times, not a number"),
        ({"lane": "a", "origin": "recorded"}, "needs 'request', 'response'"),
    ],
)
def test_an_invalid_line_is_rejected_with_its_location_and_the_reason(
    line: Any, reason: str
) -> None:
    raw = line if isinstance(line, bytes) else orjson.dumps(line)
    valid = orjson.dumps(reply_line("a", "x"))
    with pytest.raises(TapeError) as error:
        Tape.parse(valid + b"\n\n" + raw, "case/tape.jsonl")
    assert str(error.value).startswith("case/tape.jsonl:3: ")
    assert reason in str(error.value)


def test_all_invalid_lines_are_reported_at_once() -> None:
    with pytest.raises(TapeError) as error:
        Tape.parse(b'{\n{"lane":"a"}\n', "t")
    assert [line.split(": ")[0] for line in str(error.value).splitlines()] == ["t:1", "t:2"]


def test_a_missing_tape_is_reported_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"no\.jsonl: No such file"):
        Tape.load(tmp_path / "no.jsonl")


def test_blank_lines_and_a_byte_order_mark_are_skipped() -> None:
    line = orjson.dumps(reply_line("a", "x"))
    parsed = Tape.parse(b"\xef\xbb\xbf" + line + b"\n \r\n" + line + b"\r\n")
    assert [line.number for line in parsed.lines] == [1, 3]


def test_tool_calls_are_numbered_per_lane() -> None:
    two_calls = reply_line("a", None, tool_calls=[{"name": "f"}, {"name": "g"}])
    parsed = make_tape(two_calls, reply_line("b", None, tool_calls=[{"name": "f"}]), two_calls)
    assert [line.first_tool_call for line in parsed.lines] == [1, 1, 3]


def test_inputs_are_filled_in_with_their_types() -> None:
    tape = make_tape(service_line("s", "/year/${year}", {"year": "${year}", "text": "in ${year}"}))
    (line,) = tape.with_inputs({"year": 1999}).lines
    assert (line.path, line.reply) == ("/year/1999", {"json": {"year": 1999, "text": "in 1999"}})


def test_dollar_signs_outside_of_placeholders_are_plain_text() -> None:
    parsed = make_tape(reply_line("a", "$327.6 and $HOME and ${not a name} and $${name}"))
    assert len(parsed.lines) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
line_keys = st.sampled_from(
    ["lane", "origin", "path", "method", "when", "reply", "digest", "request", "response", "note"]
)
line_values = json_values | st.sampled_from(
    ["scripted", "recorded", "/v1/embeddings", DIGEST, "(?P<x>.)"]
)
reply_objects = st.dictionaries(
    st.sampled_from(["content", "tool_calls", "usage", "json", "embeddings", "status", "frames"]),
    json_values
    | st.lists(st.dictionaries(st.sampled_from(["name", "arguments", "id"]), json_values)),
)


def parse_or_tape_error(raw: bytes) -> None:
    with contextlib.suppress(TapeError):
        Tape.parse(raw)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_arbitrary_bytes_raise_only_tape_errors(raw: bytes) -> None:
    parse_or_tape_error(raw)


@pytest.mark.long
@given(
    st.dictionaries(line_keys, line_values),
    reply_objects,
    st.sampled_from(["scripted", "recorded"]),
)
def test_arbitrary_objects_raise_only_tape_errors(
    line: dict[str, Any], reply: dict[str, Any], origin: str
) -> None:
    for value in (
        line,
        {"lane": "a", "origin": origin} | line,
        {"lane": "a"} | line | {"origin": "scripted", "reply": reply},
        recorded_line(response=reply),
    ):
        try:
            raw = orjson.dumps(value)
        except TypeError:  # an integer of more than 64 bits, which orjson cannot write
            continue
        parse_or_tape_error(raw)

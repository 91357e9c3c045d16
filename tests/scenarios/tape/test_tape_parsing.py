"""A tape is read whole, or refused with file, line number and reason."""

import contextlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.tape.tape import Tape, TapeError
from tests.support.tapes import says, service, tape

DIGEST = "sha256:" + "0" * 64


def recorded(**changed: Any) -> dict[str, Any]:
    line = {"lane": "a", "origin": "recorded", "digest": DIGEST, "request": {}}
    return line | {"response": {"status": 200, "body": {}}} | changed


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b'{"lane": "\xff"}', "not UTF-8: byte 11 of the line is 0xff"),
        (b"[]", "a line is a JSON object, this is a list"),
        ({"lane": 3}, "'lane' is a string, this is a number"),
        ({"origin": "scripted", "reply": {"content": "x"}}, 'names its "lane"'),
        ({"lane": "a", "reply": {"content": "x"}}, 'says its "origin"'),
        (says("a", "x") | {"wehn": "y"}, "unknown key 'wehn'; nearest: 'when'"),
        (says("a", "x") | {"when": "("}, "no regular expression"),
        (says("a", "x") | {"when": "[[a]"}, "no regular expression"),
        (says("a", "x") | {"when": "a{99999999999999999999}"}, "no regular expression"),
        (says("a", "x") | {"path": "v1"}, '"path" begins with "/"'),
        (says("a", "x") | {"digest": DIGEST}, "a scripted line has a \"reply\", no 'digest'"),
        ({"lane": "a", "origin": "scripted"}, 'a scripted line has a "reply"'),
        (says("a", None), "the reply says nothing"),
        (says("a", 7), '"content" is a string, null or an object, this is a number'),
        (says("a", "x", contnet="y"), "unknown key of reply 'contnet'; nearest: 'content'"),
        (says("a", "x", tool_calls=None), '"tool_calls" is a list of objects'),
        (says("a", None, tool_calls=[{"name": "f", "args": 1}]), "unknown key of a tool call"),
        (says("a", None, tool_calls=[{"arguments": {}}]), 'a tool call has a "name"'),
        (says("a", None, tool_calls=[{"name": "f", "arguments": [1]}]), '"arguments" is an object'),
        (says("a", "x", usage={"prompt_tokens": -1}), "'prompt_tokens' is a number of tokens"),
        (says("a", "${altitude}", "(?P<altitud>x)"), "captures altitud; nearest: 'altitud'"),
        (says("a", "${altitude}"), 'uses ${altitude}, which "when" does not capture'),
        (says("a", None, tool_calls=[{"name": "f", "arguments": {"x": "${y}"}}]), "uses ${y}"),
        (service("s", "/x", 1) | {"reply": {"json": 1, "text": "x"}}, '"json" or "text"'),
        (service("s", "/x", 1) | {"reply": {"json": 1, "status": 99}}, "from 200 to 599"),
        (says("a", "x") | {"path": "/v1/embeddings", "reply": {"embeddings": ["x"]}}, "of vectors"),
        (
            says("a", "x") | {"path": "/v1/embeddings", "reply": {"embeddings": [[1e39]]}},
            "list of vectors",
        ),
        (recorded(reply={"content": "x"}), 'a recorded line has a "response"'),
        (recorded(digest="sha1:00"), '"digest" is "sha256:" and 64 hex digits'),
        (recorded(response={"status": 200}), 'one of "body", "text", "frames"'),
        (recorded(response={"frames": [1]}), '"frames" is a list of strings'),
        ({"lane": "a", "origin": "recorded"}, "lacks 'digest', 'request', 'response'"),
    ],
)
def test_a_broken_line_is_refused_with_its_place_and_reason(line: Any, reason: str) -> None:
    raw = line if isinstance(line, bytes) else orjson.dumps(line)
    good = orjson.dumps(says("a", "x"))
    with pytest.raises(TapeError) as refusal:
        Tape.parse(good + b"\n\n" + raw, "case/tape.jsonl")
    assert str(refusal.value).startswith("case/tape.jsonl:3: ")
    assert reason in str(refusal.value)


def test_all_broken_lines_are_named_at_once() -> None:
    with pytest.raises(TapeError) as refusal:
        Tape.parse(b'{\n{"lane":"a"}\n', "t")
    assert [line.split(": ")[0] for line in str(refusal.value).splitlines()] == ["t:1", "t:2"]


def test_a_missing_tape_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"no\.jsonl: No such file"):
        Tape.read(tmp_path / "no.jsonl")


def test_blank_lines_and_a_byte_order_mark_do_not_count_as_lines() -> None:
    line = orjson.dumps(says("a", "x"))
    read = Tape.parse(b"\xef\xbb\xbf" + line + b"\n \r\n" + line + b"\r\n")
    assert [line.number for line in read.lines] == [1, 3]


def test_tool_calls_are_numbered_through_the_lane() -> None:
    two = says("a", None, tool_calls=[{"name": "f"}, {"name": "g"}])
    read = tape(two, says("b", None, tool_calls=[{"name": "f"}]), two)
    assert [line.first_call for line in read.lines] == [1, 1, 3]


def test_dollars_that_name_no_capture_are_plain() -> None:
    read = tape(says("a", "$327.6 and $HOME and ${not a name} and $${name}"))
    assert len(read.lines) == 1


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
keys = st.sampled_from(
    ["lane", "origin", "path", "method", "when", "reply", "digest", "request", "response", "note"]
)
values = json | st.sampled_from(["scripted", "recorded", "/v1/embeddings", DIGEST, "(?P<x>.)"])
replies = st.dictionaries(
    st.sampled_from(["content", "tool_calls", "usage", "json", "embeddings", "status", "frames"]),
    json | st.lists(st.dictionaries(st.sampled_from(["name", "arguments", "id"]), json)),
)


def reads_or_refuses(raw: bytes) -> None:
    with contextlib.suppress(TapeError):
        Tape.parse(raw)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_raise_anything_but_tape_error(raw: bytes) -> None:
    reads_or_refuses(raw)


@given(st.dictionaries(keys, values), replies, st.sampled_from(["scripted", "recorded"]))
def test_no_object_raises_anything_but_tape_error(
    line: dict[str, Any], reply: dict[str, Any], origin: str
) -> None:
    for spelt in (
        line,
        {"lane": "a", "origin": origin} | line,
        {"lane": "a"} | line | {"origin": "scripted", "reply": reply},
        recorded(response=reply),
    ):
        try:
            raw = orjson.dumps(spelt)
        except TypeError:  # an integer beyond 64 bits: what JSON can't spell, no tape holds
            continue
        reads_or_refuses(raw)

"""A golden file is easy to review, and is read back as it was written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.goldens.golden_file import (
    Golden,
    GoldenFileError,
    dump_golden,
    golden_path,
    load_golden,
    parse_golden,
    save_golden,
)
from integrations.goldens.request_drift import ModelRequest
from integrations.goldens.trees.span_shape import SpanShape, sort_siblings
from tests.integrations.goldens.trees.sample_shapes import forests, make_crew, make_shape, make_turn

MESSAGES = [{"role": "system", "content": "You write."}, {"role": "user", "content": "Begin."}]
REQUEST = ModelRequest("writer", "/v1/chat/completions", {"messages": MESSAGES, "temperature": 0})
OURS = (
    make_crew(
        make_turn("writer", make_shape("ask", keys="inputs"), make_shape("ask", keys="inputs"))
    ),
)
GOLDEN = Golden((REQUEST,), {"ours": OURS, "plain autolog": ()})


def test_each_span_and_each_message_is_a_line() -> None:
    written = dump_golden(GOLDEN).splitlines()
    assert '   "    ask  [LLM OK]  × 2  inputs:string"' in written
    assert '     {"content": "Begin.", "role": "user"}' in written


def test_a_golden_is_read_back_from_its_file(tmp_path: Path) -> None:
    path = golden_path("crewai", "sequential", tmp_path / "goldens")
    assert save_golden(path, GOLDEN)
    assert load_golden(path) == GOLDEN
    assert path.relative_to(tmp_path).as_posix() == "goldens/crewai/sequential.json"


def test_writing_an_equal_golden_does_not_touch_the_file(tmp_path: Path) -> None:
    path = golden_path("crewai", "sequential", tmp_path / "goldens")
    save_golden(path, GOLDEN)
    before = path.stat()
    assert not save_golden(path, GOLDEN)
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@given(forests("xyz", 12), st.text())
def test_any_golden_is_read_back(shapes: list[SpanShape], text: str) -> None:
    golden = Golden(
        (ModelRequest(text, "/v1", {"messages": [text], text: [[]]}),),
        {text: sort_siblings(shapes)},
    )
    assert parse_golden(dump_golden(golden), "here") == golden


def test_replacing_one_instrumentor_keeps_the_others() -> None:
    golden = GOLDEN.with_shapes("plain autolog", OURS)
    assert golden.shapes == {"ours": OURS, "plain autolog": OURS}
    assert GOLDEN.shapes["plain autolog"] == ()


def test_a_missing_golden_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GoldenFileError, match="no golden was accepted yet"):
        load_golden(golden_path("crewai", "sequential", tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"format": "other/1"}', "found 'other/1'"),
        (dump_golden(GOLDEN).replace("[LLM OK]", "[LLM]"), "ours: line 3: expected"),
        (dump_golden(GOLDEN).replace('"lane"', '"line"'), "KeyError: 'lane'"),
    ],
)
def test_an_invalid_golden_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(GoldenFileError, match=r"^here: ") as refusal:
        parse_golden(text, "here")
    assert message in str(refusal.value)

"""A golden is a file that a person reviews, and that is read back as it was written."""

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
from integrations.goldens.model_requests import ModelRequest
from integrations.trees.span_shape import SpanShape, sort_siblings
from tests.integrations.trees.sample_shapes import forests, make_crew, make_shape, make_turn

MESSAGES = [{"role": "system", "content": "You write."}, {"role": "user", "content": "Begin."}]
ASKED = ModelRequest("writer", "/v1/chat/completions", {"messages": MESSAGES, "temperature": 0})
OURS = (
    make_crew(
        make_turn("writer", make_shape("ask", keys="inputs"), make_shape("ask", keys="inputs"))
    ),
)
GOLDEN = Golden((ASKED,), {"ours": OURS, "plain autolog": ()})


def test_a_span_is_a_line_and_so_is_a_message() -> None:
    written = dump_golden(GOLDEN).splitlines()
    assert '   "    ask  [LLM OK]  × 2  inputs:string"' in written
    assert '     {"content": "Begin.", "role": "user"}' in written


def test_a_golden_is_read_back_from_its_file(tmp_path: Path) -> None:
    path = golden_path("crewai", "sequential", tmp_path / "goldens")
    assert save_golden(path, GOLDEN)
    assert load_golden(path) == GOLDEN
    assert path.relative_to(tmp_path).as_posix() == "goldens/crewai/sequential.json"


def test_writing_what_is_there_already_changes_nothing(tmp_path: Path) -> None:
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


def test_telling_of_one_instrumentor_keeps_the_others() -> None:
    golden = GOLDEN.with_shapes("plain autolog", OURS)
    assert golden.shapes == {"ours": OURS, "plain autolog": OURS}
    assert GOLDEN.shapes["plain autolog"] == ()


def test_where_there_is_no_golden_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(GoldenFileError, match="no golden was accepted here yet"):
        load_golden(golden_path("crewai", "sequential", tmp_path))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"format": "other/1"}', "format 'other/1'"),
        (dump_golden(GOLDEN).replace("[LLM OK]", "[LLM]"), "of ours, line 3 is no"),
        (dump_golden(GOLDEN).replace('"lane"', '"line"'), "KeyError: 'lane'"),
    ],
)
def test_what_is_no_golden_is_refused_with_its_reason(text: str, says: str) -> None:
    with pytest.raises(GoldenFileError, match=r"^here: ") as refusal:
        parse_golden(text, "here")
    assert says in str(refusal.value)

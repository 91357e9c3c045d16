"""A golden is a file that a person reviews, and that is read back as it was written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.goldens.golden_file import Golden, NoGolden, dumps, loads, place, read, write
from integrations.goldens.model_requests import Asked
from integrations.trees.span_shape import Shape, in_order
from tests.integrations.trees.sample_shapes import crew, drawn, span, turn

MESSAGES = [{"role": "system", "content": "You write."}, {"role": "user", "content": "Begin."}]
ASKED = Asked("writer", "/v1/chat/completions", {"messages": MESSAGES, "temperature": 0})
OURS = (crew(turn("writer", span("ask", says="inputs"), span("ask", says="inputs"))),)
GOLDEN = Golden((ASKED,), {"ours": OURS, "plain autolog": ()})


def test_a_span_is_a_line_and_so_is_a_message() -> None:
    written = dumps(GOLDEN).splitlines()
    assert '   "    ask  [LLM OK]  × 2  inputs:string"' in written
    assert '     {"content": "Begin.", "role": "user"}' in written


def test_a_golden_is_read_back_from_its_file(tmp_path: Path) -> None:
    path = place("crewai", "sequential", tmp_path / "goldens")
    assert write(path, GOLDEN)
    assert read(path) == GOLDEN
    assert path.relative_to(tmp_path).as_posix() == "goldens/crewai/sequential.json"


def test_writing_what_is_there_already_changes_nothing(tmp_path: Path) -> None:
    path = place("crewai", "sequential", tmp_path / "goldens")
    write(path, GOLDEN)
    before = path.stat()
    assert not write(path, GOLDEN)
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@given(drawn("xyz", 12), st.text())
def test_any_golden_is_read_back(shapes: list[Shape], text: str) -> None:
    golden = Golden(
        (Asked(text, "/v1", {"messages": [text], text: [[]]}),), {text: in_order(shapes)}
    )
    assert loads(dumps(golden), "here") == golden


def test_telling_of_one_instrumentor_keeps_the_others() -> None:
    golden = GOLDEN.told("plain autolog", OURS)
    assert golden.shapes == {"ours": OURS, "plain autolog": OURS}
    assert GOLDEN.shapes["plain autolog"] == ()


def test_where_there_is_no_golden_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoGolden, match="no golden was accepted here yet"):
        read(place("crewai", "sequential", tmp_path))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"format": "other/1"}', "format 'other/1'"),
        (dumps(GOLDEN).replace("[LLM OK]", "[LLM]"), "of ours, line 3 is no"),
        (dumps(GOLDEN).replace('"lane"', '"line"'), "KeyError: 'lane'"),
    ],
)
def test_what_is_no_golden_is_refused_with_its_reason(text: str, says: str) -> None:
    with pytest.raises(NoGolden, match=r"^here: ") as refusal:
        loads(text, "here")
    assert says in str(refusal.value)

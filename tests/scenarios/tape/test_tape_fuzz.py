"""Tapes of arbitrary bytes and any length are parsed in time, or rejected with a short message."""

import re
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from scenarios.replay.replay_server import replay_tape
from scenarios.tape.condition import Condition, SearchTimeoutError
from scenarios.tape.tape import Tape, TapeError
from tests.support.raw_http import ask, chat_body, error_message, raw_request, send_raw
from tests.support.tapes import reply_line, service_line

VALID_LINE = orjson.dumps(reply_line("a", "x"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            b'{"lane":"a","lane":"b","origin":"scripted"}',
            "t:1: duplicate key: 'lane' appears 2 times",
        ),
        (VALID_LINE[:-1] + b',"note":{"a":1,"a":2}}', "t:1: duplicate key: 'a' appears 2 times"),
        (VALID_LINE + b"\n" + VALID_LINE[:20], "t:2: not JSON: unexpected end of data"),
        (b'{"lane":' + b"[" * 200 + b"]" * 200 + b"}", "nested more than 100 levels deep"),
        (b"[" * 100_000, "t:1: not JSON"),
        (b"\xff\xfe{\x00}\x00", "t:1: not UTF-8: byte 1 of the line is 0xff"),
        (VALID_LINE + b"\n\x00\n", "t:2: not JSON"),
        (b'{"lane": "\\ud800"}', "t:1: not JSON"),
        (b'{"lane": NaN}', "t:1: not JSON"),
        (b'{"' + b"k" * 10_000 + b'": 1}', "t:1: unknown key 'kkk"),
        (orjson.dumps(reply_line("a", "x", "(?P<n>a)(?P<n>b)")), "redefinition of group name 'n'"),
    ],
)
def test_the_error_of_an_invalid_tape_has_the_reason_and_is_short(
    content: bytes, reason: str
) -> None:
    with pytest.raises(TapeError) as error:
        Tape.parse(content, "t")
    assert reason in str(error.value)
    assert len(str(error.value)) < 600


def test_only_a_last_line_without_a_newline_is_reported_as_incomplete() -> None:
    hint = "if a killed process left it incomplete, delete it"
    for content, is_incomplete in (
        (VALID_LINE + b"\n" + VALID_LINE[:20], True),
        (VALID_LINE + b"\n" + VALID_LINE[:20] + b"\n", False),
        (orjson.dumps(reply_line("a", "x") | {"wehn": "y"}), False),
    ):
        with pytest.raises(TapeError) as error:
            Tape.parse(content)
        assert (hint in str(error.value)) is is_incomplete


def test_of_many_invalid_lines_some_are_listed_and_all_are_counted() -> None:
    with pytest.raises(TapeError) as error:
        Tape.parse(b"{\n" * 50_000)
    lines = str(error.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "50000 invalid lines in total"


def test_an_escaped_quote_is_not_a_duplicate_key() -> None:
    raw = b'{"lane":"a","origin":"scripted","reply":{"content":"\\u0022a\\":\\"b"}}'
    assert Tape.parse(raw).lines[0].reply == {"content": '"a":"b'}


def test_a_line_may_have_many_megabytes() -> None:
    with replay_tape(Tape.parse(orjson.dumps(reply_line("a", "x" * 20_000_000)))) as replay:
        assert len(ask(replay, "a")) == 20_000_000


def test_a_path_that_is_not_a_regular_file_is_rejected(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / ("n" * 300), tmp_path / "a\0b", Path("/dev/zero")):
        with pytest.raises(TapeError):
            Tape.load(path)


MANY_LINES = 20_000


@pytest.fixture(scope="module")
def long_tape() -> Tape:
    """A tape with many lines in many lanes, each line with its own condition."""
    lines = [reply_line(f"lane{n % 3000}", "x", rf"never {n} \w+\d$") for n in range(MANY_LINES)]
    return Tape.parse(b"\n".join(orjson.dumps(line) for line in lines), "long.jsonl")


@pytest.mark.long
def test_the_unplayed_lines_of_a_long_tape_are_found_quickly(long_tape: Tape) -> None:
    with replay_tape(long_tape) as replay:
        started_s = time.monotonic()
        assert len(replay.unplayed_lines) == MANY_LINES
        assert time.monotonic() - started_s < 1


@pytest.mark.parametrize("lane", [b"lane1", b"lane0001", b"a very different name"])
def test_a_long_tape_refuses_a_request_quickly_and_with_a_short_message(
    lane: bytes, long_tape: Tape
) -> None:
    with replay_tape(long_tape) as replay:
        started_s = time.monotonic()
        status, body = send_raw(replay, raw_request(chat_body(), lane=lane))
        assert time.monotonic() - started_s < 4
        assert status == 422
        assert len(error_message(body)) < 1500


def test_the_lane_of_a_path_is_found_without_a_scan_of_all_lines() -> None:
    lines = (orjson.dumps(service_line("s", f"/{n}", n)) for n in range(10_000))
    tape = Tape.parse(b"\n".join(lines))
    started_s = time.monotonic()
    assert {tape.lane_for_path("POST", f"/{n}", None) for n in range(3000)} == {"s"}
    assert time.monotonic() - started_s < 1


@pytest.mark.parametrize("pattern", ["(a|a)*$", "(a|aa)+$"])
def test_an_endless_search_is_stopped_with_a_message(pattern: str) -> None:
    with pytest.raises(SearchTimeoutError, match=r"stopped after 0\.1 s in 61 characters"):
        Condition.compile(pattern).search("a" * 60 + "?", 0.1)


pieces = st.sampled_from(
    [
        *"ab.^$*+?|(){} \né",
        *("\\d", "\\w", "\\s", "\\b", "\\1", "\\Z", "\\{", "\\N{DIGIT ONE}"),
        *("[a-c]", "[^a]", "[{]", "[]a]", "{2}", "{,2}", "{1,}", "{e}", "{e<=1}", "*?", "++"),
        *("(?:", "(?P<x>", "(?=", "(?!", "(?<=a)", "(?i)", "(?s:", "(?>"),
    ]
)


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=8).map("".join), st.text("aAb1 {}e\né<=", max_size=14))
@example("a{e<=1}", "b")
@example("a{e}", "a{e}")
@example("[{]a{x}", "{a{x}")
def test_a_condition_matches_like_re(pattern: str, text: str) -> None:
    try:
        condition = Condition.compile(pattern)
    except ValueError:
        assume(False)
    expected = re.compile(pattern, re.MULTILINE).search(text)
    assert _span_and_groups(condition.search(text)) == _span_and_groups(expected)


def _span_and_groups(match: Any) -> Any:
    return match and (match.span(), match.groupdict(default=""))

"""A tape of any bytes, of any length, is read in good time, or refused in a sentence."""

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
        (b'{"lane":"a","lane":"b","origin":"scripted"}', "t:1: the key 'lane' is given 2 times"),
        (VALID_LINE[:-1] + b',"note":{"a":1,"a":2}}', "t:1: the key 'a' is given 2 times"),
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
def test_what_is_wrong_with_a_tape_is_said_and_is_no_longer_than_a_person_reads(
    content: bytes, reason: str
) -> None:
    with pytest.raises(TapeError) as refused:
        Tape.parse(content, "t")
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 600


def test_only_what_a_kill_leaves_is_taken_for_half_a_line() -> None:
    half = "if a kill left it half written, remove it"
    for content, is_half in (
        (VALID_LINE + b"\n" + VALID_LINE[:20], True),
        (VALID_LINE + b"\n" + VALID_LINE[:20] + b"\n", False),
        (orjson.dumps(reply_line("a", "x") | {"wehn": "y"}), False),
    ):
        with pytest.raises(TapeError) as refused:
            Tape.parse(content)
        assert (half in str(refused.value)) is is_half


def test_of_very_many_broken_lines_some_are_named_and_all_are_counted() -> None:
    with pytest.raises(TapeError) as refused:
        Tape.parse(b"{\n" * 50_000)
    told = str(refused.value).splitlines()
    assert len(told) == 21
    assert told[-1] == "50000 lines are broken in all"


def test_a_quote_that_is_escaped_is_no_second_key() -> None:
    raw = b'{"lane":"a","origin":"scripted","reply":{"content":"\\u0022a\\":\\"b"}}'
    assert Tape.parse(raw).lines[0].reply == {"content": '"a":"b'}


def test_a_line_of_many_megabytes_is_a_line_as_others_are() -> None:
    with replay_tape(Tape.parse(orjson.dumps(reply_line("a", "x" * 20_000_000)))) as replay:
        assert len(ask(replay, "a")) == 20_000_000


def test_a_tape_that_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / ("n" * 300), tmp_path / "a\0b", Path("/dev/zero")):
        with pytest.raises(TapeError):
            Tape.load(path)


MANY_LINES = 20_000


@pytest.fixture(scope="module")
def long() -> Tape:
    """Very many lines, in very many lanes, each line with a condition of its own."""
    lines = [reply_line(f"lane{n % 3000}", "x", rf"never {n} \w+\d$") for n in range(MANY_LINES)]
    return Tape.parse(b"\n".join(orjson.dumps(line) for line in lines), "long.jsonl")


def test_the_lines_of_a_long_tape_that_were_not_played_are_soon_told(long: Tape) -> None:
    with replay_tape(long) as replay:
        began_s = time.monotonic()
        assert len(replay.unplayed_lines) == MANY_LINES
        assert time.monotonic() - began_s < 1


@pytest.mark.parametrize("lane", [b"lane1", b"lane0001", b"of another name altogether"])
def test_a_long_tape_refuses_soon_and_in_few_words(lane: bytes, long: Tape) -> None:
    with replay_tape(long) as replay:
        began_s = time.monotonic()
        status, told = send_raw(replay, raw_request(chat_body(), lane=lane))
        assert time.monotonic() - began_s < 4
        assert status == 422
        assert len(error_message(told)) < 1500


def test_a_long_tape_finds_the_lane_of_a_path_without_reading_every_line() -> None:
    lines = (orjson.dumps(service_line("s", f"/{n}", n)) for n in range(10_000))
    tape = Tape.parse(b"\n".join(lines))
    began_s = time.monotonic()
    assert {tape.lane_for_path("POST", f"/{n}", None) for n in range(3000)} == {"s"}
    assert time.monotonic() - began_s < 1


@pytest.mark.parametrize("pattern", ["(a|a)*$", "(a|aa)+$"])
def test_a_search_without_end_is_given_up_with_a_sentence(pattern: str) -> None:
    with pytest.raises(SearchTimeoutError, match=r"searched for 0\.1 s in 61 characters"):
        Condition.compile(pattern).search("a" * 60 + "?", 0.1)


pieces = st.sampled_from(
    [
        *"ab.^$*+?|(){} \né",
        *("\\d", "\\w", "\\s", "\\b", "\\1", "\\Z", "\\{", "\\N{DIGIT ONE}"),
        *("[a-c]", "[^a]", "[{]", "[]a]", "{2}", "{,2}", "{1,}", "{e}", "{e<=1}", "*?", "++"),
        *("(?:", "(?P<x>", "(?=", "(?!", "(?<=a)", "(?i)", "(?s:", "(?>"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=8).map("".join), st.text("aAb1 {}e\né<=", max_size=14))
@example("a{e<=1}", "b")
@example("a{e}", "a{e}")
@example("[{]a{x}", "{a{x}")
def test_a_condition_finds_what_re_finds(pattern: str, text: str) -> None:
    try:
        condition = Condition.compile(pattern)
    except ValueError:
        assume(False)
    ours, theirs = condition.search(text), re.compile(pattern, re.MULTILINE).search(text)
    assert _span_and_groups(ours) == _span_and_groups(theirs)


def _span_and_groups(found: Any) -> Any:
    return found and (found.span(), found.groupdict(default=""))

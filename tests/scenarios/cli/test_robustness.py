"""The command line says what is amiss in a sentence, whatever it is asked and whatever it reads."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instrumentation.trace.span import MAX_SPAN_DEPTH
from instrumentation.trace.trace import TraceNotFoundError, trace_from_mlflow
from scenarios.cli.app import main
from scenarios.player.scenario_loader import scenario_folder
from scenarios.reports.terminal import SafeConsole, replace_control_characters, safe_output

NAME = "review_goes_well"
COLOURS = re.compile(r"\x1b\[[\d;]*m")
ODD = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _store(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)


def said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    """How a command ends: its exit code, what it printed, and what it said."""
    monkeypatch.setattr(sys, "argv", ["scenarios", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    captured = capsys.readouterr()
    return int(end.value.code or 0), captured.out, captured.err


words = st.text(max_size=12) | st.sampled_from(
    [
        *("../..", "/etc/passwd", "a" * 300, "a\nb", "a\0b", "\x1b[2J", "--", "-", "[red]", "…"),
        *(
            "--json",
            "--seed",
            "--variant",
            "--trace",
            "--check",
            "--port",
            "\udcff",
            "%s{0}",
            "x=y",
        ),
    ]
)


@settings(ODD, max_examples=60)
@given(
    command=st.sampled_from(
        # None of these is a scenario but one: `run` and `accept` would play it.
        [(name, "nobody") for name in ("run", "check", "accept", "serve", "live", "fly", "")]
    )
    | st.just(("check", NAME)),
    arguments=st.lists(words),
)
def test_no_arguments_end_in_a_traceback(
    command: tuple[str, str],
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, out, err = said(capsys, monkeypatch, *command, *arguments)
    assert code in (0, 1, 2)
    assert out or err
    assert not {"\x1b", "\x07", "\0"} & set(out + err)


@pytest.mark.parametrize(
    "trace", ["a\0b.json", "/", "/dev", "x" * 5000, "x" * 5000 + ".json", "\udcff", "tr-'\"`;--"]
)
def test_a_trace_of_no_name_that_a_file_has_is_said(
    trace: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = said(capsys, monkeypatch, "check", NAME, "--trace", trace)
    assert code == 2
    assert err.startswith("error: ")


def spans(*of: tuple[str, str | None]) -> list[dict[str, Any]]:
    """A trace as MLflow exports it: an id and a parent's id, a span."""
    whole = {"attributes": {}, "status": {"code": "STATUS_CODE_OK"}}
    times = {"start_time_unix_nano": 1, "end_time_unix_nano": 2}
    flat = [{"name": id, "span_id": id, "parent_span_id": up, **whole, **times} for id, up in of]
    return [{"info": {"trace_id": "tr-1"}, "data": {"spans": flat}}]


@pytest.mark.parametrize(
    ("flat", "reason"),
    [
        ([("a", "b"), ("b", "a")], "2 of 2 spans are beneath themselves"),
        ([("r", None), ("a", "b"), ("b", "a")], "2 of 3 spans are beneath themselves"),
        ([("a", "a")], "1 of 1 spans are beneath themselves"),
        ([("r", None), ("a", "r"), ("a", "r")], "2 spans of the trace have one id, 'a'"),
        ([(str(n), str(n - 1)) for n in range(100_000)], "nested more than 200 levels deep"),
    ],
)
def test_spans_that_are_no_tree_are_refused_and_none_is_left_out(
    flat: list[tuple[str, str | None]], reason: str
) -> None:
    with pytest.raises(TraceNotFoundError, match=reason):
        trace_from_mlflow(spans(*flat))


def test_a_trace_of_very_many_spans_is_read_whole() -> None:
    many = [("r", None), *((str(n), "r" if n % 2 else "gone") for n in range(20_000))]
    trace = trace_from_mlflow(spans(*many))
    assert sum(1 for _ in trace) == 20_001
    assert len(trace.roots) == 10_001


def test_a_recorded_trace_of_very_many_levels_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    span = '{"name":"a","type":"CHAIN","status":"OK","children":['
    for levels in (MAX_SPAN_DEPTH + 1, 100_000):
        deep = f'{{"format":"flight-recorder/1","roots":[{span * levels}{"]}" * levels}]}}'
        (tmp_path / "deep.json").write_text(deep)
        code, _, err = said(
            capsys, monkeypatch, "check", NAME, "--trace", str(tmp_path / "deep.json")
        )
        assert (code, "deep.json" in err) == (2, True)


def places(value: Any, *way: Any) -> list[tuple[Any, ...]]:
    """The way to each value within a value."""
    if not isinstance(value, dict | list):
        return []
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [place for key, held in inner for place in ((*way, key), *places(held, *way, key))]


@settings(ODD, max_examples=40)
@given(data=st.data())
def test_a_recorded_trace_with_anything_in_it_is_judged_or_refused(
    data: st.DataObject,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trace = json.loads(scenario_folder(NAME).recorded_trace("twin").read_text("utf-8"))
    *way, last = data.draw(st.sampled_from(places(trace)))
    within = trace
    for key in way:
        within = within[key]
    odd = [None, -1, 1e300, "", "\x1b[2J\x9b", [], {}, [None], {"a": 1}, True]
    within[last] = data.draw(st.sampled_from(odd))
    (tmp_path / "odd.json").write_text(json.dumps(trace))
    code, out, err = said(
        capsys, monkeypatch, "check", NAME, "--trace", str(tmp_path / "odd.json"), "--variant=twin"
    )
    assert code in (0, 1, 2)
    assert out or err
    assert not {"\x1b", "\x9b"} & set(out + err)


@pytest.mark.parametrize("obeyed", ["\x1b[2J", "\x9b2J", "\r", "\x07", "\x7f", "\u202e"])
def test_nothing_that_a_terminal_would_obey_is_printed(
    obeyed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with safe_output():
        print(f"a{obeyed}b\n\tc")
        console = SafeConsole(force_terminal=True, markup=False, highlight=False)
        console.out(f"a{obeyed}b", style="red")
        console.print(f"[red]a{obeyed}b")
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == [f"a{replace_control_characters(obeyed)}b", "\tc"]
    assert f"\x1b[31ma{replace_control_characters(obeyed)}b\x1b[0m" in out
    assert "[red]a" in out
    assert replace_control_characters(COLOURS.sub("", out)) == COLOURS.sub("", out)


def test_a_lane_that_would_clear_the_screen_is_shown_where_a_tape_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_bytes('{"lane": "a", "\x9b2J\u202e": 1}'.encode())
    code, _, err = said(capsys, monkeypatch, "serve", str(path))
    assert code == 2
    assert "tape.jsonl:1: unknown key" in err
    assert not {"\x9b", "\u202e"} & set(err)

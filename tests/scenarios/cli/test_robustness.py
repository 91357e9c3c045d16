"""Arbitrary arguments and files: the command line prints a sentence, never a traceback."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instrumentation.trace import TraceNotFoundError, trace_from_mlflow
from instrumentation.trace.span import MAX_SPAN_DEPTH
from scenarios.cli.app import main
from scenarios.player.scenario_loader import scenario_folder
from scenarios.reports.terminal import SafeConsole, replace_control_characters, safe_output

NAME = "review_goes_well"
COLOURS = re.compile(r"\x1b\[[\d;]*m")
FUZZ_SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _store(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)


def run_main(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    """Run a command; returns its exit code, stdout and stderr."""
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


@settings(FUZZ_SETTINGS, max_examples=60)
@given(
    command=st.sampled_from(
        # Only `check` gets a real scenario: `run` and `accept` would run it.
        [(name, "nobody") for name in ("run", "check", "accept", "serve", "live", "fly", "")]
    )
    | st.just(("check", NAME)),
    arguments=st.lists(words),
)
def test_no_arguments_cause_a_traceback(
    command: tuple[str, str],
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, out, err = run_main(capsys, monkeypatch, *command, *arguments)
    assert code in (0, 1, 2)
    assert out or err
    assert not {"\x1b", "\x07", "\0"} & set(out + err)


@pytest.mark.parametrize(
    "trace", ["a\0b.json", "/", "/dev", "x" * 5000, "x" * 5000 + ".json", "\udcff", "tr-'\"`;--"]
)
def test_an_impossible_file_name_is_reported(
    trace: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = run_main(capsys, monkeypatch, "check", NAME, "--trace", trace)
    assert code == 2
    assert err.startswith("error: ")


def spans(*of: tuple[str, str | None]) -> list[dict[str, Any]]:
    """A trace as MLflow exports it, from the IDs of spans and of their parents."""
    common = {"attributes": {}, "status": {"code": "STATUS_CODE_OK"}}
    times = {"start_time_unix_nano": 1, "end_time_unix_nano": 2}
    flat = [{"name": id, "span_id": id, "parent_span_id": up, **common, **times} for id, up in of]
    return [{"info": {"trace_id": "tr-1"}, "data": {"spans": flat}}]


@pytest.mark.parametrize(
    ("flat", "reason"),
    [
        ([("a", "b"), ("b", "a")], "2 of 2 spans are their own ancestors"),
        ([("r", None), ("a", "b"), ("b", "a")], "2 of 3 spans are their own ancestors"),
        ([("a", "a")], "1 of 1 spans are their own ancestors"),
        ([("r", None), ("a", "r"), ("a", "r")], "2 spans of the trace have the same id, 'a'"),
        ([(str(n), str(n - 1)) for n in range(100_000)], "nested more than 200 levels deep"),
    ],
)
def test_spans_that_form_no_tree_are_refused(
    flat: list[tuple[str, str | None]], reason: str
) -> None:
    with pytest.raises(TraceNotFoundError, match=reason):
        trace_from_mlflow(spans(*flat))


def test_a_very_large_trace_is_read_completely() -> None:
    many = [("r", None), *((str(n), "r" if n % 2 else "gone") for n in range(20_000))]
    trace = trace_from_mlflow(spans(*many))
    assert sum(1 for _ in trace) == 20_001
    assert len(trace.roots) == 10_001


def test_a_very_deep_recorded_trace_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    span = '{"name":"a","type":"CHAIN","status":"OK","children":['
    for levels in (MAX_SPAN_DEPTH + 1, 100_000):
        deep = f'{{"format":"flight-recorder/2","roots":[{span * levels}{"]}" * levels}]}}'
        (tmp_path / "deep.json").write_text(deep)
        code, _, err = run_main(
            capsys, monkeypatch, "check", NAME, "--trace", str(tmp_path / "deep.json")
        )
        assert (code, "deep.json" in err) == (2, True)


def places(value: Any, *path: Any) -> list[tuple[Any, ...]]:
    """The path to each value inside a value."""
    if not isinstance(value, dict | list):
        return []
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [place for key, value in inner for place in ((*path, key), *places(value, *path, key))]


@settings(FUZZ_SETTINGS, max_examples=40)
@given(data=st.data())
def test_an_altered_recorded_trace_is_checked_or_refused(
    data: st.DataObject,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trace = json.loads(scenario_folder(NAME).recorded_trace("twin").read_text("utf-8"))
    *path, last = data.draw(st.sampled_from(places(trace)))
    container = trace
    for key in path:
        container = container[key]
    odd = [None, -1, 1e300, "", "\x1b[2J\x9b", [], {}, [None], {"a": 1}, True]
    container[last] = data.draw(st.sampled_from(odd))
    (tmp_path / "odd.json").write_text(json.dumps(trace).replace("1e+300", "1e400"))
    option = data.draw(st.sampled_from(["--json", "--variant=twin"]))
    code, out, err = run_main(
        capsys, monkeypatch, "check", NAME, "--trace", str(tmp_path / "odd.json"), option
    )
    assert code in (0, 1, 2)
    assert out or err
    assert not {"\x1b", "\x9b"} & set(out + err)


@pytest.mark.parametrize("control", ["\x1b[2J", "\x9b2J", "\r", "\x07", "\x7f", "\u202e"])
def test_control_characters_are_never_printed(
    control: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with safe_output():
        print(f"a{control}b\n\tc")
        console = SafeConsole(force_terminal=True, markup=False, highlight=False)
        console.out(f"a{control}b", style="red")
        console.print(f"[red]a{control}b")
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == [f"a{replace_control_characters(control)}b", "\tc"]
    assert f"\x1b[31ma{replace_control_characters(control)}b\x1b[0m" in out
    assert "[red]a" in out
    assert replace_control_characters(COLOURS.sub("", out)) == COLOURS.sub("", out)


def test_control_characters_in_a_refused_tape_are_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_bytes('{"lane": "a", "\x9b2J\u202e": 1}'.encode())
    code, _, err = run_main(capsys, monkeypatch, "serve", str(path))
    assert code == 2
    assert "tape.jsonl:1: unknown key" in err
    assert not {"\x9b", "\u202e"} & set(err)

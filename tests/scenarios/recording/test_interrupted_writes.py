"""What is written is written whole, in its own place, and what was answered is not lost."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.atomic_write import FileNotWrittenError, write_atomically
from scenarios.player import accept as accepting
from scenarios.player.accept import accept
from scenarios.player.scenario_loader import ScenarioFolder, ScenarioNotFoundError, load_scenario
from scenarios.player.verdict import ExpectationResult, VariantResult, Verdict
from scenarios.recording.recording_proxy import TapeRecorder, record_tape
from scenarios.replay.replay_server import replay_tape
from scenarios.reports.document_parts import code_block, render_document
from scenarios.tape.tape import Tape, TapeError
from tests.scenarios.player.test_scenario_loader import PAGE, make_scenario
from tests.support.raw_http import chat_body
from tests.support.tapes import make_tape, reply_line

HOSTILE = "```\n<!-- end -->\x1b[2J|"
VERDICT = Verdict(
    "it",
    (VariantResult("fixed", Trace((Span(HOSTILE, "CHAIN"),)), (ExpectationResult("ends", None),)),),
)
RECORDING_PROGRAM = """
import sys
from pathlib import Path
from scenarios.recording.recording_proxy import recording
with recording(sys.argv[1], Path(sys.argv[2])) as recorder:
    print(recorder.base_url, flush=True)
    sys.stdin.read()
"""


def folder_contents(folder: Path) -> dict[str, bytes | str]:
    """All that stands in a folder: files by what they hold, links by where they lead."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@contextmanager
def limited_file_size(size_bytes: int) -> Iterator[None]:
    """No file grows beyond this, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def send_requests(recorder: TapeRecorder, times: int) -> None:
    """So many requests, each with its answer."""
    for _ in range(times):
        url = f"{recorder.base_url}/chat/completions"
        assert httpx.post(url, content=chat_body(), headers={"x-agent-name": "a"}).is_success


def test_a_full_disk_leaves_the_file_that_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x", "old")
    with limited_file_size(1000), pytest.raises(FileNotWrittenError, match="x: cannot be written"):
        write_atomically(tmp_path / "x", "new" * 1000)
    assert folder_contents(tmp_path) == {"x": b"old"}


@pytest.mark.parametrize("link", ["fixed.golden.txt", "recorded"])
def test_accepting_follows_no_link_out_of_the_folder(
    link: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("precious")
    (tmp_path / "inside").mkdir()
    leads = tmp_path / "outside" / ("" if link == "recorded" else "file")
    (tmp_path / "inside" / link).symlink_to(leads)
    monkeypatch.setattr(accepting, "scenario_folder", lambda _: ScenarioFolder(tmp_path / "inside"))
    with pytest.raises(FileNotWrittenError, match=f"{link}: is a link"):
        accept(VERDICT)
    assert folder_contents(tmp_path / "outside") == {"file": b"precious"}


def test_accepting_leaves_what_stands_around_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "catalog" / "it"
    place.mkdir(parents=True)
    (tmp_path / "catalog/other.txt").write_text("other")
    (place / ".fixed.golden.txt.half").write_text("of a run that was killed")
    before = folder_contents(tmp_path)
    monkeypatch.setattr(accepting, "scenario_folder", lambda _: ScenarioFolder(place))
    accept(VERDICT)
    new = {"catalog/it/fixed.golden.txt", "catalog/it/recorded/fixed.json"}
    assert {
        name: held for name, held in folder_contents(tmp_path).items() if name not in new
    } == before


def test_a_folder_where_a_file_is_due_is_said(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(FileNotWrittenError, match="x: cannot be written"):
        write_atomically(tmp_path / "x", "text")
    assert folder_contents(tmp_path) == {}


def test_a_golden_of_hostile_names_is_one_line_that_no_terminal_obeys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "scenario_folder", lambda _: ScenarioFolder(tmp_path))
    accept(VERDICT)
    golden = (tmp_path / "fixed.golden.txt").read_text("utf-8")
    assert golden.count("\n") == 1
    assert "\x1b" not in golden


def test_no_text_ends_the_block_of_code_that_it_stands_in() -> None:
    assert code_block("a") == "```\na\n```"
    assert code_block("a\n  ````\nb", "diff") == "`````diff\na\n  ````\nb\n`````"


def test_a_produced_part_holds_no_mark_that_would_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "scenarios.reports.document_parts.PART_RENDERERS", {"outline": lambda: HOSTILE}
    )
    page = "<!-- produced: outline -->\nold\n<!-- end -->\nafter\n"
    once = render_document(page)
    assert once == render_document(once)
    assert once.count("<!-- end -->") == 1


def test_a_recording_that_is_killed_keeps_each_answer_as_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    with replay_tape(make_tape(*[reply_line("a", "word " * 3000)] * 500)) as live:
        command = [sys.executable, "-c", RECORDING_PROGRAM, live.base_url, str(path)]
        with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as process:
            assert process.stdout
            base_url = process.stdout.readline().strip()
            send_requests(TapeRecorder(base_url, path), 20)
            process.send_signal(signal.SIGKILL)
    assert len(Tape.load(path).lines) == 20


def test_half_a_line_is_named_and_the_lines_after_it_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    with replay_tape(make_tape(*[reply_line("a", "x")] * 3)) as live:
        with record_tape(live.base_url, path) as recorder:
            send_requests(recorder, 2)
        path.write_bytes(path.read_bytes()[:-40])
        with record_tape(live.base_url, path) as recorder:
            send_requests(recorder, 1)
    with pytest.raises(TapeError) as refused:
        Tape.load(path)
    assert str(refused.value).count("\n") == 0
    assert str(refused.value).startswith(f"{path}:2: not JSON")


def test_a_disk_that_fills_up_loses_no_answer_leaves_no_half_line_and_is_said(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tape.jsonl"
    with (
        replay_tape(make_tape(*[reply_line("a", "word " * 300)] * 5)) as live,
        pytest.raises(TapeError, match=r"[1-4] of the answers could not be written"),
        record_tape(live.base_url, path) as recorder,
        limited_file_size(6000),
    ):
        send_requests(recorder, 5)
    assert 0 < len(Tape.load(path).lines) < 5


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (PAGE + "\n1 / 0\n", r"line \d+ \(ZeroDivisionError"),
        ("import nothing_of_this_name", r"line 1 \(ModuleNotFoundError"),
        ("SCENARIO = (", r"line 1 \(SyntaxError"),
        ("x = '\0'", r"SyntaxError|ValueError"),
    ],
)
def test_a_page_that_fails_is_named_with_the_line(page: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioNotFoundError, match=rf"scenario.py: cannot be imported.*{reason}"):
        load_scenario("it_goes_wrong", make_scenario(tmp_path, page))

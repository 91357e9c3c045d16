"""A recording that is killed, or that fills the disk, leaves only complete lines on the tape."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from scenarios.recording.recording_proxy import TapeRecorder, record_tape
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape, TapeError
from tests.support.file_system import limited_file_size
from tests.support.raw_http import chat_body
from tests.support.tapes import make_tape, reply_line

RECORDING_PROGRAM = """
import sys
from pathlib import Path
from scenarios.recording.recording_proxy import record_tape
with record_tape(sys.argv[1], Path(sys.argv[2])) as recorder:
    print(recorder.base_url, flush=True)
    sys.stdin.read()
"""


def send_requests(recorder: TapeRecorder, times: int) -> None:
    """Send a number of requests; each must succeed."""
    for _ in range(times):
        url = f"{recorder.base_url}/chat/completions"
        assert httpx.post(url, content=chat_body(), headers={"x-agent-name": "a"}).is_success


def test_a_killed_recording_has_a_complete_line_per_answer(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    with replay_tape(make_tape(*[reply_line("a", "word " * 3000)] * 500)) as live:
        command = [sys.executable, "-c", RECORDING_PROGRAM, live.base_url, str(path)]
        with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as process:
            assert process.stdout
            base_url = process.stdout.readline().strip()
            send_requests(TapeRecorder(base_url, path), 20)
            process.send_signal(signal.SIGKILL)
    assert len(Tape.load(path).lines) == 20


def test_an_incomplete_line_is_reported_and_later_lines_are_complete(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    with replay_tape(make_tape(*[reply_line("a", "x")] * 3)) as live:
        with record_tape(live.base_url, path) as recorder:
            send_requests(recorder, 2)
        path.write_bytes(path.read_bytes()[:-40])
        with record_tape(live.base_url, path) as recorder:
            send_requests(recorder, 1)
    with pytest.raises(TapeError) as error:
        Tape.load(path)
    assert str(error.value).count("\n") == 0
    assert str(error.value).startswith(f"{path}:2: not JSON")


def test_a_full_disk_is_reported_and_leaves_no_incomplete_line(
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

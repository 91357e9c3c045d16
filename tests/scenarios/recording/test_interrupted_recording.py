"""A recording that is killed, or that fills the disk, leaves only complete lines on the tape."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from scenarios.recording.recording_proxy import TapeRecorder, record_tape
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape, TapeError
from tests.support.file_system import limited_file_size
from tests.support.raw_http import chat_body, raw_request
from tests.support.tapes import make_tape, reply_line, service_line

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


@pytest.mark.long
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


def test_a_client_that_leaves_in_mid_body_is_not_recorded_and_disturbs_no_other(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tape.jsonl"
    with (
        replay_tape(make_tape(reply_line("a", "x"))) as live,
        record_tape(live.base_url, path) as recorder,
    ):
        address = httpx.URL(recorder.base_url)
        request = raw_request(chat_body())
        with socket.create_connection((address.host, address.port), timeout=5) as connection:
            connection.sendall(request[:-10])
        send_requests(recorder, 1)
    assert len(live.ledger.exchanges) == 1
    assert len(Tape.load(path).lines) == 1


def test_a_client_that_leaves_in_mid_answer_leaves_a_complete_line_or_none(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tape.jsonl"
    with (
        replay_tape(make_tape(*[reply_line("a", "word " * 2_000)] * 2)) as live,
        record_tape(live.base_url, path) as recorder,
    ):
        address = httpx.URL(recorder.base_url)
        with socket.create_connection((address.host, address.port), timeout=5) as connection:
            connection.sendall(raw_request(chat_body(stream=True)))
            assert connection.recv(100)
        send_requests(recorder, 1)
    lines = Tape.load(path).lines
    assert len(lines) in (1, 2)
    assert all(str(line.response).count("word") == 2_000 for line in lines)


@pytest.mark.parametrize("text", ["it rains", '{"half": ', "<p>it rains</p>", "", "É\u2028é"])
def test_an_answer_that_is_not_json_is_recorded_as_text_and_replayed(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "tape.jsonl"
    line = service_line("s", "/weather", None, method="GET") | {"reply": {"text": text}}
    with (
        replay_tape(make_tape(line)) as live,
        record_tape(live.url, path, lane="s") as recorder,
    ):
        assert httpx.get(f"{recorder.base_url}/weather").text == text
    assert Tape.load(path).lines[0].response == {"status": 200, "text": text}
    with replay_tape(Tape.load(path), strict=True) as replay:
        assert httpx.get(f"{replay.url}/weather").text == text

"""`serve` prints its address, answers any client, and logs each request, and ends on Ctrl-C."""

import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from scenarios.programs.serve import ServerOutput
from scenarios.replay.replay_server import replay_tape
from tests.support.forks.forking_python import forking_python
from tests.support.tapes import MODEL, make_tape, reply_line, user_message

pytestmark = pytest.mark.long


@pytest.fixture
def path(tmp_path: Path) -> Path:
    lines = [reply_line("a", "x"), reply_line("b", "y")]
    (tmp_path / "tape.jsonl").write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return tmp_path / "tape.jsonl"


@contextmanager
def serve_in_subprocess(
    path: Path, port: int = 0, stdout: int = subprocess.PIPE
) -> Generator["subprocess.Popen[str]"]:
    command = [forking_python(), "-m", "scenarios", "serve", str(path), "--port", str(port)]
    with subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ask(base_url: str, lane: str, **fields: Any) -> httpx.Response:
    chat = {"model": MODEL, "messages": user_message("hello")} | fields
    url, headers = f"{base_url}/chat/completions", {"x-agent-name": lane}
    return httpx.post(url, json=chat, headers=headers)


def read_until_match(process: "subprocess.Popen[str]", pattern: str) -> str:
    """Read lines until one matches; return its first group."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"it ended without a line that matches {pattern!r}")


@pytest.mark.parametrize(
    ("stop_signal", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_it_prints_its_address_a_line_per_request_and_a_summary_when_it_is_stopped(
    stop_signal: signal.Signals, exit_code: int, path: Path
) -> None:
    with serve_in_subprocess(path) as process:
        base_url = read_until_match(process, r"OPENAI_BASE_URL=(\S+)")
        assert ask(base_url, "a").json()["choices"][0]["message"]["content"] == "x"
        assert ask(base_url, "a").status_code == 422
        assert ask(base_url, "aa").status_code == 422
        assert httpx.post(base_url.replace("/v1", "/rewind")).is_success
        assert ask(base_url, "a").is_success
        process.send_signal(stop_signal)
        out, err = process.communicate(timeout=10)
    assert [line for line in out.splitlines() if " call " in line] == [
        "a call 1: 200, line 1",
        f'a call 2: 422: lane "a", call 2: no line of {path} answers this request.',
        f'aa call 1: 422: {path} has no lane "aa". Did you mean "a"?',
        "a call 1: 200, line 1",
    ]
    assert "1 exchange, 0 of them refused" in out
    assert f"unplayed: {path}:2 [b] (always)" in out
    assert err == "\nstopped\n"
    assert process.returncode == exit_code


def test_a_reader_that_does_not_read_its_output_does_not_stop_it(path: Path) -> None:
    path.write_bytes(b"\n".join([orjson.dumps(reply_line("lane" * 40, "x"))] * 500))
    with serve_in_subprocess(path) as process:
        base_url = read_until_match(process, r"OPENAI_BASE_URL=(\S+)")
        with httpx.Client(timeout=10) as http:
            for _ in range(500):
                body = {"messages": user_message("hello")}
                headers = {"x-agent-name": "lane" * 40}
                answer = http.post(f"{base_url}/chat/completions", json=body, headers=headers)
                assert answer.is_success
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130


def test_an_output_that_nobody_can_read_is_reported_at_the_start(path: Path) -> None:
    with (
        open("/dev/full", "wb") as full,
        serve_in_subprocess(path, stdout=full.fileno()) as process,
    ):
        _, err = process.communicate(timeout=20)
    assert err.startswith("stdout: No space left on device, so the address cannot be printed.")
    assert err.count("\n") == 1
    assert process.returncode == 2


def test_an_output_that_is_closed_is_reported_at_the_start(path: Path) -> None:
    serve = f"exec {sys.executable} -m scenarios serve {path} >&-"
    closed = subprocess.run(["sh", "-c", serve], stderr=subprocess.PIPE, text=True, timeout=20)
    assert closed.stderr.startswith("stdout: Bad file descriptor, so the address cannot")
    assert closed.returncode == 2


def test_an_output_that_is_closed_later_does_not_stop_it(path: Path) -> None:
    with serve_in_subprocess(path) as process:
        base_url = read_until_match(process, r"OPENAI_BASE_URL=(\S+)")
        assert process.stdout is not None
        process.stdout.close()
        assert ask(base_url, "a").is_success
        assert ask(base_url, "b").is_success
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130
        assert process.stderr is not None
        err = process.stderr.read()
    assert err == "stdout: Broken pipe; serving goes on without output\n\nstopped\n"


def test_a_port_in_use_is_reported_with_exit_code_2(path: Path) -> None:
    with (
        replay_tape(make_tape(reply_line("a", "x"))) as taken,
        serve_in_subprocess(path, taken.port) as process,
    ):
        _, err = process.communicate(timeout=10)
    assert f"port {taken.port}: Address already in use. Choose another port" in err
    assert process.returncode == 2


def test_the_error_of_a_service_is_not_explained_by_the_refusal_of_another_lane(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = ServerOutput()
    with (
        replay_tape(make_tape()) as service,
        replay_tape(
            make_tape(reply_line("a", "x")), on_exchange=output.log, service_urls={"s": service.url}
        ) as replay,
    ):
        output.replay = replay
        assert ask(replay.base_url, "a").status_code == 200
        assert ask(replay.base_url, "nobody").status_code == 422
        assert httpx.get(f"{replay.service_url('s')}/x").status_code == 404
    answered, refused, failed = capfd.readouterr().out.splitlines()
    assert answered == "a call 1: 200, line 1"
    assert refused.startswith("nobody call 1: 422: ")
    assert failed == "s call 1: 404"

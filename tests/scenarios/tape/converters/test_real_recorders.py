"""The installed vcrpy and aimock: their files become tapes, and they play what tapes become."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.certificates import installer_environment
from tests.support.cli_runner import run_command
from tests.support.tapes import recorded_line, user_message

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

AIMOCK = "@copilotkit/aimock"
UV = (sys.executable, "-m", "uv")
QUESTIONS = ("How deep?", "How far?")
CLIENT = f"""
import sys, httpx, vcr
base_url, cassette, mode = sys.argv[1:]
with vcr.use_cassette(cassette, record_mode=mode, match_on=["method", "path"]):
    for question in {QUESTIONS!r}:
        body = {{"model": "m", "messages": [{{"role": "user", "content": question}}]}}
        response = httpx.post(base_url + "/chat/completions", json=body)
        print(response.json()["choices"][0]["message"]["content"])
"""


def install(folder: Path, *command: str) -> None:
    """Run an installer; skip the tests if it cannot install, such as without a network."""
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            timeout=120,
            cwd=folder,
            env=installer_environment(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"needs a network and an index: {' '.join(command)} failed ({error})")


@pytest.fixture(scope="module")
def vcrpy_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with vcrpy and httpx, in an environment of its own."""
    folder = tmp_path_factory.mktemp("vcrpy")
    python = folder / "venv" / "bin" / "python"
    install(folder, *UV, "venv", "--quiet", "venv")
    install(folder, *UV, "pip", "install", "--quiet", "--python", str(python), "vcrpy", "httpx")
    return python


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """A tape that answers each question with the words "as recorded"."""
    file = tmp_path / "tape.jsonl"
    lines = [recorded_line({"model": "m", "messages": user_message(one)}) for one in QUESTIONS]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return file


def ask_through_vcrpy(python: Path, base_url: str, cassette: Path, mode: str) -> list[str]:
    command = [str(python), "-c", CLIENT, base_url, str(cassette), mode]
    return subprocess.check_output(command, text=True, timeout=100).splitlines()


def ask_plainly(base_url: str) -> list[str]:
    replies = []
    for question in QUESTIONS:
        body = {"model": "m", "messages": user_message(question)}
        response = httpx.post(f"{base_url}/chat/completions", json=body).raise_for_status()
        replies.append(response.json()["choices"][0]["message"]["content"])
    return replies


def convert(source: Path, target: Path) -> None:
    ended = run_command("", "convert", str(source), str(target))
    assert ended.exit_code == 0, ended.stderr


def test_a_cassette_that_vcrpy_recorded_replays(
    vcrpy_python: Path, tape: Path, tmp_path: Path
) -> None:
    cassette = tmp_path / "recorded.yaml"
    with replay_tape(Tape.load(tape)) as replay:
        recorded = ask_through_vcrpy(vcrpy_python, replay.base_url, cassette, "all")
    convert(cassette, tmp_path / "converted.jsonl")
    with replay_tape(Tape.load(tmp_path / "converted.jsonl")) as replay:
        assert ask_plainly(replay.base_url) == recorded == ["as recorded"] * 2


def test_vcrpy_plays_the_cassette_of_a_tape(vcrpy_python: Path, tape: Path, tmp_path: Path) -> None:
    cassette = tmp_path / "converted.yaml"
    convert(tape, cassette)
    (uri,) = set(re.findall(r"uri: (\S+)/chat/completions", cassette.read_text()))
    replies = ask_through_vcrpy(vcrpy_python, uri, cassette, "none")
    assert replies == ["as recorded"] * 2


@contextmanager
def aimock(folder: Path, fixtures: Path) -> Generator[str]:
    """Run aimock with a file of fixtures; yield its base URL."""
    options = ("--prefix", ".", "--ignore-scripts", "--silent", "--fetch-timeout=30000")
    install(folder, "npm", "install", *options, "--fetch-retries=0", AIMOCK)
    program = folder / "node_modules" / AIMOCK / "dist" / "cli.js"
    command = ["node", str(program), "-p", "0", "-f", str(fixtures), "--log-level", "info"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        try:
            found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in server.stdout)
            yield f"{next(one[0] for one in found if one)}/v1"
        finally:
            server.kill()


@pytest.mark.skipif(not shutil.which("npm"), reason="needs npm: apt-get install npm")
def test_aimock_plays_the_fixtures_of_a_tape(tape: Path, tmp_path: Path) -> None:
    fixtures = tmp_path / "fixtures.json"
    convert(tape, fixtures)
    with aimock(tmp_path, fixtures) as base_url:
        assert ask_plainly(base_url) == ["as recorded"] * 2

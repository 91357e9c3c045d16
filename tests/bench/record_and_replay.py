"""Benchmark recording and replay: added latency, a tape of 10,000 exchanges, other replayers.

The servers run in processes of their own; the load and the servers share the machine's cores.
vcrpy is installed with uv, aimock with npm, both into a temporary folder.
"""

import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil  # type: ignore[import-untyped]  # it ships no annotations

from tests.bench.load import ChatRequest, send_over_sockets
from tests.support.live_endpoint import ANY_AGENT
from tests.support.tapes import recorded_line, reply_line

LANES = 100
EXCHANGES = 10_000
LATENCY_CALLS = 400
COMPARED_CALLS = 100
"""vcrpy compares each request with all recorded ones: 2,000 of them take it minutes."""
CLIENT_TIMEOUT_S = 120
AIMOCK = "@copilotkit/aimock"
UV = (sys.executable, "-m", "uv")
PROMPT = "Answer with care, and name your sources. " * 12
CLIENT = """
import sys, time, httpx
base_url, calls = sys.argv[1], int(sys.argv[2])
def send_all():
    with httpx.Client(base_url=base_url) as http:
        for n in range(calls):
            messages = [{"role": "user", "content": f"question number {n:05}"}]
            response = http.post("/chat/completions", json={"model": "m", "messages": messages})
            assert response.status_code == 200, response.text
def timed():
    started = time.perf_counter()
    send_all()
    print(calls / (time.perf_counter() - started))
"""
PLAIN_CLIENT = f"{CLIENT}\ntimed()"
VCR_CLIENT = f"""{CLIENT}
import vcr
match_on = ["method", "path", "body"]
with vcr.use_cassette("cassette.yaml", match_on=match_on):
    send_all()
with vcr.use_cassette("cassette.yaml", match_on=match_on, record_mode="none"):
    timed()
"""


def run_benchmark(_: str) -> dict[str, float | str]:
    """Return the figures of all three benchmarks."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        return measure_recording(folder) | measure_large_tape(folder) | compare(folder)


def measure_recording(folder: Path) -> dict[str, float | str]:
    """Measure a completion with and without the recording proxy, medians of alternate calls."""
    tape = _write(folder / "live.jsonl", ANY_AGENT, *[_scripted("good day")] * 2 * LATENCY_CALLS)
    with (
        _start("serve", str(tape)) as (live, _),
        _start("record", "--tape", str(folder / "r.jsonl"), "--upstream", live) as (proxy, server),
        httpx.Client() as http,
    ):
        cpu_s = _cpu_s(server)
        times: dict[str, list[float]] = {live: [], proxy: []}
        for _number in range(LATENCY_CALLS):
            for base_url, measured in times.items():
                body = {"messages": [{"role": "user", "content": "a question"}]}
                started_s = time.perf_counter()
                http.post(f"{base_url}/chat/completions", json=body).raise_for_status()
                measured.append((time.perf_counter() - started_s) * 1000)
        cpu_ms = (_cpu_s(server) - cpu_s) * 1000 / LATENCY_CALLS
    direct, recorded = (statistics.median(measured) for measured in times.values())
    return {
        "completion without a proxy: ms": direct,
        "completion, recorded: ms": recorded,
        "recording adds: ms": recorded - direct,
        "recording, CPU of the proxy: ms": cpu_ms,
    }


def measure_large_tape(folder: Path) -> dict[str, float | str]:
    """Replay 10,000 recorded exchanges in 100 lanes that are recognised by their prompts."""
    bodies = [
        {
            "messages": [
                {
                    "role": "system",
                    "content": f"You are Agent {number % LANES}. " + "Be kind. " * 50,
                },
                {"role": "user", "content": f"question {number}"},
            ]
        }
        for number in range(EXCHANGES)
    ]
    lines = (recorded_line(body, lane=f"Agent {n % LANES}") for n, body in enumerate(bodies))
    tape = _write(folder / "large.jsonl", *lines)
    started_s = time.perf_counter()
    with _start("serve", str(tape)) as (base_url, server):
        start_s = time.perf_counter() - started_s
        requests = [ChatRequest(body) for body in bodies]
        rate = asyncio.run(send_over_sockets(base_url, requests))
        rss_mib = psutil.Process(server.pid).memory_info().rss / 2**20
    return {
        f"{EXCHANGES:,} exchanges in {LANES} lanes: exchanges/s": rate,
        f"{EXCHANGES:,} exchanges in {LANES} lanes: start, s": start_s,
        f"{EXCHANGES:,} exchanges in {LANES} lanes: memory, MiB": rss_mib,
    }


def compare(folder: Path) -> dict[str, float | str]:
    """Send the same requests with one httpx client to each replayer; ratios to this one."""
    questions = [f"question number {n:05}" for n in range(COMPARED_CALLS)]
    bodies = [{"model": "m", "messages": [{"role": "user", "content": q}]} for q in questions]
    tape = _write(folder / "own.jsonl", *map(recorded_line, bodies))
    figures: dict[str, float | str] = {}
    with _start("serve", str(tape)) as (base_url, _):
        own = _run_client(sys.executable, PLAIN_CLIENT, base_url, folder)
        figures["one client, this server: requests/s"] = own
    with _start("serve", str(tape)) as (base_url, _):
        figures["one client, vcrpy: ratio"] = _compare_vcrpy(base_url, folder, own)
    figures["one client, aimock: ratio"] = _compare_aimock(questions, folder, own)
    return figures


def _compare_vcrpy(base_url: str, folder: Path, own: float) -> float | str:
    python = folder / "vcr" / "bin" / "python"
    try:
        _run(*UV, "venv", "--quiet", str(folder / "vcr"))
        _run(*UV, "pip", "install", "--quiet", "--python", str(python), "vcrpy", "httpx")
    except (OSError, subprocess.SubprocessError):
        return "skipped: vcrpy could not be installed"
    try:
        return _run_client(str(python), VCR_CLIENT, base_url, folder) / own
    except subprocess.TimeoutExpired:
        return f"stopped after {CLIENT_TIMEOUT_S} s"


def _compare_aimock(questions: list[str], folder: Path, own: float) -> float | str:
    if not (shutil.which("npm") and shutil.which("node")):
        return "skipped: needs npm"
    fixtures = [
        {"match": {"userMessage": question}, "response": {"content": "as recorded"}}
        for question in questions
    ]
    (folder / "fixtures.json").write_text(json.dumps({"fixtures": fixtures}))
    try:
        _run("npm", "install", "--prefix", str(folder), "--ignore-scripts", "--silent", AIMOCK)
    except (OSError, subprocess.SubprocessError):
        return f"skipped: {AIMOCK} could not be installed"
    program = str(folder / "node_modules" / AIMOCK / "dist" / "cli.js")
    options = ("-p", "0", "-f", str(folder / "fixtures.json"), "--log-level", "info")
    with _print_address(["node", program, *options]) as (url, _):
        return _run_client(sys.executable, PLAIN_CLIENT, f"{url}/v1", folder) / own


def _cpu_s(server: "subprocess.Popen[str]") -> float:
    times = psutil.Process(server.pid).cpu_times()
    return float(times.user + times.system)


def _run_client(python: str, program: str, base_url: str, folder: Path) -> float:
    """Run a client of `COMPARED_CALLS` requests; return its requests per second."""
    command = [python, "-c", program, base_url, str(COMPARED_CALLS)]
    return float(subprocess.check_output(command, text=True, cwd=folder, timeout=CLIENT_TIMEOUT_S))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def _scripted(content: str) -> dict[str, Any]:
    return reply_line("live", content)


def _write(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return path


@contextmanager
def _start(*arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a command of this project; yield the base URL that it prints."""
    with _print_address([sys.executable, "-m", "scenarios", *arguments]) as (url, server):
        yield f"{url}/v1", server


@contextmanager
def _print_address(command: list[str]) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a server; yield the first local address that it prints, and its process."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        try:
            matches = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in server.stdout)
            yield next(found[0] for found in matches if found), server
        finally:
            server.kill()

"""A stranger's program in a folder of its own, and the commands that a person runs on it."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios.tape.tape import Tape
from tests.docs.documents import ROOT
from tests.flight_recorder.journey.strangers import Stranger
from tests.support.cli_runner import CommandResult, run_command
from tests.support.live_endpoint import live_endpoint

KEY = "sk-proj-a-key-that-no-tape-may-contain"
RECORDER = ("-m", "flight_recorder")
TIMEOUT_S = 110
Ended = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Journey:
    """A program in a folder with its tape, and a store with its traces.

    `run_id` is what `trace` has printed: the ID of the run, or of its only trace.
    """

    stranger: Stranger
    folder: Path
    store: str
    run_id: str = ""

    @property
    def tape(self) -> Tape:
        return Tape.load(self.folder / "run.jsonl")

    def write_program(self, before: str = "", after: str = "") -> None:
        """Write the program into the folder, with one part changed."""
        text = self.stranger.program.read_text()
        assert before in text
        (self.folder / self.stranger.command[1]).write_text(text.replace(before, after))

    def record(self, tape: str = "run.jsonl") -> Ended:
        """Record the program, traced if it is in Python, from an endpoint that answers by rule."""
        with live_endpoint(*self.stranger.replies) as live:
            ended = self._run(
                *("record", "--tape", tape, "--upstream", live.base_url, "--"),
                *(self.traced_command if self.stranger.is_python else self.stranger.command),
            )
            assert (live.refusals, live.unplayed_lines) == ((), ())
        return ended

    def replay(self, *options: str, is_traced: bool = False) -> Ended:
        """Replay the program on its tape."""
        command = self.traced_command if is_traced else self.stranger.command
        return self._run("replay", "run.jsonl", *options, "--", *command)

    def fork(self) -> Ended:
        """Replay the program up to a call, edit the reply, and go on with the endpoint."""
        (self.folder / "edit.json").write_text(json.dumps(self.stranger.edited_reply))
        with live_endpoint(*self.stranger.replies) as live:
            return self.replay(
                *("--fork", self.stranger.fork, "--edit", "edit.json"),
                *("--live", "--upstream", live.base_url),
            )

    def test(self) -> Ended:
        """Run the test `test_imported.py` in the folder with pytest and the plugin."""
        options = ("-p", "flight_recorder.pytest_plugin", "-p", "no:cacheprovider", "-W", "ignore")
        store = f"--trace-store={self.store}"
        return self._start(
            self.stranger.python, "-m", "pytest", "-q", *options, store, "test_imported.py"
        )

    def run_command(self, *arguments: str) -> CommandResult:
        """Run a command that starts no program."""
        return run_command(self.store, *arguments)

    def compare(self, a: str, b: str) -> Any:
        """Return the JSON report of `diff`."""
        return json.loads(self.run_command("diff", "--json", a, b).stdout)

    @property
    def traced_command(self) -> tuple[str, ...]:
        return (
            self.stranger.python,
            *RECORDER,
            "trace",
            "--store",
            self.store,
            self.stranger.command[1],
        )

    def _run(self, *arguments: str) -> Ended:
        return self._start(self.stranger.python, *RECORDER, *arguments)

    def _start(self, *command: str) -> Ended:
        inherited = {name: os.environ[name] for name in os.environ if "OPENAI" not in name}
        own = {"OPENAI_API_KEY": KEY, "PYTHONPATH": str(ROOT), "HOME": str(self.folder)}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=inherited | own | {"CREWAI_STORAGE_DIR": str(self.folder / "crewai")},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )


def last_line(text: str) -> str:
    """Return the last line that is not empty."""
    return text.strip().splitlines()[-1]

"""`python -m scenarios chat` on a terminal and in a script, with a served tape as its model.

Most tests run the chat in this process, because a new process takes five seconds to start.
"""

import io
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import mlflow
import pytest
import typer

from instrumentation.trace import Trace, trace_from_mlflow
from instrumentation.tracing import enable_tracing
from scenarios.player.live.chat_session import run_chat
from scenarios.replay.faults import hangs, unavailable
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.tapes import make_tape, reply_line
from workflows.model import ModelNotConfiguredError

KEY = "sk-live-5ecret-0123456789abcdef"
TIMEOUT_S = 60.0
SCREEN = {"TERM": "dumb", "COLUMNS": "200"}
LINES = (
    reply_line("assistant", "Noted: three boats.", when="user: I have three boats"),
    reply_line("assistant", "Three boats.", when="(?s)I have three boats.*Noted.*user: How many"),
    reply_line("assistant", "Who knows?", when="user: How many"),
)


def endpoint(replay: ReplayServer, store: str) -> dict[str, str]:
    model = {"MODEL_NAME": "m", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": replay.base_url}
    return model | {"MLFLOW_TRACKING_URI": store}


@dataclass(frozen=True)
class ChatResult:
    """Whether each message was answered, and what was printed."""

    all_answered: bool
    stdout: str
    stderr: str


class ChatRunner:
    """Runs a chat in this process, with piped input or at a pseudo-terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: str) -> None:
        self._patch = monkeypatch
        self._store = store

    def run_piped(
        self, replay: ReplayServer, text: str, session: str | None = None, user: str | None = None
    ) -> ChatResult:
        out, errors = io.StringIO(), io.StringIO()
        streams = {"stdin": io.StringIO(text), "stdout": out, "stderr": errors}
        answered = self._chat(replay, streams, session, user)
        return ChatResult(answered, out.getvalue(), errors.getvalue())

    def run_at_terminal(self, replay: ReplayServer, text: str) -> str:
        """The screen of a person who types all this text ahead."""
        ours, theirs = pty.openpty()
        os.write(ours, text.encode())
        with open(theirs, closefd=False) as reads, open(theirs, "w") as writes:
            streams = {"stdin": reads, "stdout": writes, "stderr": writes}
            self._chat(replay, streams, None, None)
        screen = b""
        with open(ours, "rb", buffering=0) as reader, suppress(OSError):  # it ends with an error
            while more := reader.read(65536):
                screen += more
        return screen.decode()

    def _chat(
        self, replay: ReplayServer, streams: dict[str, Any], session: str | None, user: str | None
    ) -> bool:
        with self._patch.context() as patch:
            for name, value in (endpoint(replay, self._store) | SCREEN).items():
                patch.setenv(name, value)
            for name, stream in streams.items():
                patch.setattr(sys, name, stream)
            return run_chat(self._store, session, user)


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch, store: str) -> ChatRunner:
    return ChatRunner(monkeypatch, store)


def session_of(output: str) -> str:
    found = re.search(r"session ([^\s,]+)", output)
    assert found, output
    return found[1]


def stored_session(store: str, session: str) -> Trace:
    """All turns of the session in the store."""
    with enable_tracing(store):
        search = f"metadata.`mlflow.trace.session` = '{session}'"
        found = mlflow.search_traces(filter_string=search, return_type="list")
    return trace_from_mlflow(trace.to_dict() for trace in found)


class Terminal:
    """A chat process at a pseudo-terminal."""

    def __init__(self, replay: ReplayServer, store: str, *options: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scenarios", "chat", *options],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=os.environ | endpoint(replay, store) | SCREEN,
            start_new_session=True,
        )
        os.close(theirs)
        self.screen = ""
        os.set_blocking(self._ours, False)

    def send_keys(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until the screen shows the text this many times."""
        deadline = time.monotonic() + TIMEOUT_S
        while self.screen.count(text) < times:
            assert time.monotonic() < deadline, self.screen
            self._read()

    def wait_for_exit(self) -> int:
        code = self.process.wait(TIMEOUT_S)
        self._read()
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _read(self) -> None:
        try:
            self.screen += os.read(self._ours, 65536).decode()
        except (BlockingIOError, OSError):  # nothing yet; or the other end is closed
            time.sleep(0.02)


@contextmanager
def open_terminal(replay: ReplayServer, store: str, *options: str) -> Generator[Terminal]:
    terminal = Terminal(replay, store, *options)
    try:
        yield terminal
    finally:
        terminal.close()


@pytest.fixture
def replay() -> Generator[ReplayServer]:
    with replay_tape(make_tape(*LINES)) as server:
        yield server


def test_piped_chat_prints_only_answers_to_stdout(replay: ReplayServer, store: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", "chat", "--user", "ana"],
        input="I have three boats.\n\nHow many?\n",
        env=os.environ | endpoint(replay, store),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert (done.returncode, done.stdout) == (0, "Noted: three boats.\nThree boats.\n"), done.stderr
    trace = stored_session(store, session_of(done.stderr))
    assert len(trace.roots) == 2
    assert trace.session is not None
    assert trace.session.user == "ana"


def test_a_session_continues_where_it_ended(
    replay: ReplayServer, store: str, chat: ChatRunner
) -> None:
    session = session_of(chat.run_piped(replay, "I have three boats.\n").stderr)
    again = chat.run_piped(replay, "How many?\n", session)
    assert (again.stdout, again.all_answered) == ("Three boats.\n", True)
    assert f"session {session}, 1 turn remembered" in again.stderr
    assert len(stored_session(store, session).roots) == 2


def test_the_command_to_continue_is_quoted_for_a_shell(
    replay: ReplayServer, chat: ChatRunner
) -> None:
    last_line = chat.run_piped(replay, "How many?\n", "my boats", "O'Hara; ls").stderr.splitlines()[
        -1
    ]
    command = shlex.split(last_line.partition("to continue: ")[2])
    assert command[3:] == ["chat", "--session", "my boats", "--user", "O'Hara; ls"]


def test_a_chat_without_messages_prints_no_command_to_continue(
    replay: ReplayServer, chat: ChatRunner
) -> None:
    assert "to continue" not in chat.run_piped(replay, "\n").stderr


def test_a_new_session_remembers_nothing(replay: ReplayServer, chat: ChatRunner) -> None:
    done = chat.run_piped(replay, "How many?\n", "quite new")
    assert done.stdout == "Who knows?\n"
    assert "remembered" not in done.stderr


def test_turns_of_another_program_are_ignored(
    replay: ReplayServer, store: str, chat: ChatRunner
) -> None:
    with (
        enable_tracing(store),
        mlflow.tracing.context(session_id="theirs"),
        mlflow.start_span("turn") as span,
    ):
        span.set_inputs("I have three boats.")
        span.set_outputs("Noted.")
    assert chat.run_piped(replay, "How many?\n", "theirs").stdout == "Who knows?\n"


def test_a_failed_turn_is_reported_and_the_chat_continues(chat: ChatRunner) -> None:
    fault = unavailable("assistant", times=3)
    with replay_tape(make_tape(*LINES), [fault]) as replay:
        done = chat.run_piped(replay, "I have three boats.\nHow many?\n")
    assert (done.all_answered, done.stdout) == (False, "\nWho knows?\n")
    assert "no answer: Error code: 503" in done.stderr
    assert KEY not in done.stderr


def test_a_failed_turn_is_not_remembered(chat: ChatRunner) -> None:
    with replay_tape(make_tape(*LINES), [unavailable("assistant", times=3)]) as replay:
        session = session_of(chat.run_piped(replay, "I have three boats.\n").stderr)
        again = chat.run_piped(replay, "How many?\n", session)
    assert again.stdout == "Who knows?\n"
    assert "remembered" not in again.stderr.splitlines()[0]


def test_a_chat_needs_a_model(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL_NAME", raising=False)
    with pytest.raises(ModelNotConfiguredError, match="no live model: MODEL_NAME"):
        run_chat(store, None, None)


@pytest.mark.parametrize("name", ["it's", " ", "two\nlines", "x" * 251, "half \ud83d"])
def test_a_session_that_no_search_would_find_is_refused(name: str, store: str) -> None:
    with pytest.raises(typer.BadParameter, match="--session expects up to 250 characters"):
        run_chat(store, name, None)


def test_a_session_that_would_be_redacted_is_refused(store: str) -> None:
    with pytest.raises(typer.BadParameter, match="would be redacted in the traces"):
        run_chat(store, "ann@mail.example.org", None)


@pytest.mark.parametrize("name", ["", "x" * 251, "half \ud83d"])
def test_an_invalid_user_is_refused(name: str, store: str) -> None:
    with pytest.raises(typer.BadParameter, match="--user expects up to 250 characters"):
        run_chat(store, None, name)


def test_an_interactive_chat_prompts_answers_and_ends_with_ctrl_d(
    replay: ReplayServer, chat: ChatRunner
) -> None:
    screen = chat.run_at_terminal(replay, "I have three boats.\nHow many?\n\x04")
    assert "you: assistant: Noted: three boats.\r\nyou: assistant: Three boats.\r\nyou: " in screen


def test_control_characters_are_replaced_on_a_terminal(chat: ChatRunner) -> None:
    with replay_tape(make_tape(reply_line("assistant", "a\x1b[2Jb \x07c"))) as replay:
        assert "assistant: a�[2Jb �c\r\n" in chat.run_at_terminal(replay, "go on\n\x04")


def test_a_script_gets_every_character_unchanged(chat: ChatRunner) -> None:
    with replay_tape(make_tape(reply_line("assistant", "a\x1b[2Jb"))) as raw:
        assert chat.run_piped(raw, "go on\n").stdout == "a\x1b[2Jb\n"


def test_ctrl_c_stops_an_answer_and_the_chat_continues(store: str) -> None:
    with (
        replay_tape(make_tape(*LINES), [hangs("assistant")]) as replay,
        open_terminal(replay, store) as terminal,
    ):
        terminal.wait_for("you: ")
        terminal.send_keys("I have three boats.\n")
        while not replay.ledger.exchanges:
            time.sleep(0.02)
        os.kill(terminal.process.pid, signal.SIGINT)
        terminal.wait_for("stopped; this turn is not remembered")
        terminal.wait_for("you: ", 2)
        terminal.send_keys("How many?\n")
        terminal.wait_for("Who knows?")
        terminal.send_keys("\x04")
        assert terminal.wait_for_exit() == 1
    stopped, answered = stored_session(store, session_of(terminal.screen)).roots
    assert {span.status_message.partition(":")[0] for span in stopped} == {"cancelled"}
    assert not answered.failed


def test_a_killed_chat_loses_no_turn(replay: ReplayServer, store: str) -> None:
    with open_terminal(replay, store) as terminal:
        terminal.wait_for("you: ")
        terminal.send_keys("I have three boats.\n")
        terminal.wait_for("you: ", 2)
        terminal.process.kill()
        (turn,) = stored_session(store, session_of(terminal.screen)).roots
    assert turn.outputs["messages"][0]["content"] == "Noted: three boats."


def test_ctrl_c_at_the_prompt_explains_how_to_end_the_chat(
    replay: ReplayServer, chat: ChatRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter([signal.SIGINT])

    def read_key(prompt: str) -> str:
        for key in keys:
            signal.raise_signal(key)
        raise EOFError

    monkeypatch.setattr("builtins.input", read_key)
    assert "\r\nCtrl-D ends the chat\r\n" in chat.run_at_terminal(replay, "")


def test_the_key_is_in_no_trace(replay: ReplayServer, store: str, chat: ChatRunner) -> None:
    done = chat.run_piped(replay, "I have three boats.\n")
    trace = stored_session(store, session_of(done.stderr))
    assert KEY not in json.dumps([str(span) for span in trace]) + done.stdout + done.stderr

"""The chat on a terminal, or fed by a script: `python -m scenarios chat`, on a tape served.

Where a process of its own shows nothing more, the front is talked to in this one: a process takes
five seconds to begin.
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

from instrumentation.trace.trace import Trace, trace_from_mlflow
from instrumentation.tracing import enable_tracing
from scenarios.cli.chat_session import run_chat
from scenarios.player.scenario_loader import ScenarioNotFoundError
from scenarios.replay.faults import hangs, unavailable
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.tapes import make_tape, reply_line
from workflows.model import ModelNotConfiguredError

KEY = "sk-live-5ecret-0123456789abcdef"
PATIENCE_S = 60.0
SCREEN = {"TERM": "dumb", "COLUMNS": "200"}
LINES = (
    reply_line("assistant", "Noted: three boats.", when="user: I have three boats"),
    reply_line("assistant", "Three boats.", when="(?s)I have three boats.*Noted.*user: How many"),
    reply_line("assistant", "Who knows?", when="user: How many"),
)


def endpoint(replay: ReplayServer, store: str) -> dict[str, str]:
    reached = {"MODEL_NAME": "m", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": replay.base_url}
    return reached | {"MLFLOW_TRACKING_URI": store}


@dataclass(frozen=True)
class Chatted:
    """How a chat ended: whether each line had its answer, and what was printed where."""

    all_answered: bool
    stdout: str
    stderr: str


class Talk:
    """The front in this process: fed with lines, as a script does, or at a terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: str) -> None:
        self._patch = monkeypatch
        self._store = store

    def fed(
        self, replay: ReplayServer, text: str, session: str | None = None, user: str | None = None
    ) -> Chatted:
        out, told = io.StringIO(), io.StringIO()
        streams = {"stdin": io.StringIO(text), "stdout": out, "stderr": told}
        answered = self._chat(replay, streams, session, user)
        return Chatted(answered, out.getvalue(), told.getvalue())

    def typed(self, replay: ReplayServer, text: str) -> str:
        """What is seen at a terminal, of a person who types ahead."""
        ours, theirs = pty.openpty()
        os.write(ours, text.encode())
        with open(theirs, closefd=False) as reads, open(theirs, "w") as writes:
            streams = {"stdin": reads, "stdout": writes, "stderr": writes}
            self._chat(replay, streams, None, None)
        seen = b""
        with open(ours, "rb", buffering=0) as screen, suppress(OSError):  # it ends with an error
            while more := screen.read(65536):
                seen += more
        return seen.decode()

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
def talk(monkeypatch: pytest.MonkeyPatch, store: str) -> Talk:
    return Talk(monkeypatch, store)


def session_of(said: str) -> str:
    found = re.search(r"session ([^\s,]+)", said)
    assert found, said
    return found[1]


def stored(store: str, session: str) -> Trace:
    """What the session left in the store."""
    with enable_tracing(store):
        search = f"metadata.`mlflow.trace.session` = '{session}'"
        found = mlflow.search_traces(filter_string=search, return_type="list")
    return trace_from_mlflow(trace.to_dict() for trace in found)


class Terminal:
    """A chat at a pseudo-terminal: what a person types, and what is seen."""

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
        self.seen = ""
        os.set_blocking(self._ours, False)

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def shows(self, text: str, times: int = 1) -> None:
        """Wait until this stands on the screen so many times."""
        deadline = time.monotonic() + PATIENCE_S
        while self.seen.count(text) < times:
            assert time.monotonic() < deadline, self.seen
            self._read()

    def ends(self) -> int:
        code = self.process.wait(PATIENCE_S)
        self._read()
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _read(self) -> None:
        try:
            self.seen += os.read(self._ours, 65536).decode()
        except (BlockingIOError, OSError):  # nothing yet; or the other end is closed
            time.sleep(0.02)


@contextmanager
def terminal(replay: ReplayServer, store: str, *options: str) -> Generator[Terminal]:
    opened = Terminal(replay, store, *options)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def replay() -> Generator[ReplayServer]:
    with replay_tape(make_tape(*LINES)) as served:
        yield served


def test_a_script_gets_the_answers_alone_on_stdout(replay: ReplayServer, store: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", "chat", "--user", "ana"],
        input="I have three boats.\n\nHow many?\n",
        env=os.environ | endpoint(replay, store),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stdout) == (0, "Noted: three boats.\nThree boats.\n"), done.stderr
    trace = stored(store, session_of(done.stderr))
    assert len(trace.roots) == 2
    assert trace.session is not None
    assert trace.session.user == "ana"


def test_a_session_goes_on_where_it_ended(replay: ReplayServer, store: str, talk: Talk) -> None:
    session = session_of(talk.fed(replay, "I have three boats.\n").stderr)
    again = talk.fed(replay, "How many?\n", session)
    assert (again.stdout, again.all_answered) == ("Three boats.\n", True)
    assert f"session {session}, 1 turn remembered" in again.stderr
    assert len(stored(store, session).roots) == 2


def test_how_to_go_on_can_be_pasted_into_a_shell(replay: ReplayServer, talk: Talk) -> None:
    told = talk.fed(replay, "How many?\n", "my boats", "O'Hara; ls").stderr.splitlines()[-1]
    command = shlex.split(told.partition("to go on: ")[2])
    assert command[3:] == ["chat", "--session", "my boats", "--user", "O'Hara; ls"]


def test_a_chat_in_which_nothing_was_said_has_nothing_to_go_on_with(
    replay: ReplayServer, talk: Talk
) -> None:
    assert "to go on" not in talk.fed(replay, "\n").stderr


def test_a_session_of_a_new_name_begins_without_a_memory(replay: ReplayServer, talk: Talk) -> None:
    done = talk.fed(replay, "How many?\n", "quite new")
    assert done.stdout == "Who knows?\n"
    assert "remembered" not in done.stderr


def test_the_turns_of_another_program_are_passed_over(
    replay: ReplayServer, store: str, talk: Talk
) -> None:
    with (
        enable_tracing(store),
        mlflow.tracing.context(session_id="theirs"),
        mlflow.start_span("turn") as span,
    ):
        span.set_inputs("I have three boats.")
        span.set_outputs("Noted.")
    assert talk.fed(replay, "How many?\n", "theirs").stdout == "Who knows?\n"


def test_a_turn_without_an_answer_is_told_in_a_sentence_and_the_chat_goes_on(talk: Talk) -> None:
    fault = unavailable("assistant", times=3)
    with replay_tape(make_tape(*LINES), [fault]) as replay:
        done = talk.fed(replay, "I have three boats.\nHow many?\n")
    assert (done.all_answered, done.stdout) == (False, "\nWho knows?\n")
    assert "no answer: Error code: 503" in done.stderr
    assert KEY not in done.stderr


def test_a_turn_without_an_answer_is_not_remembered_in_the_session(talk: Talk) -> None:
    with replay_tape(make_tape(*LINES), [unavailable("assistant", times=3)]) as replay:
        session = session_of(talk.fed(replay, "I have three boats.\n").stderr)
        again = talk.fed(replay, "How many?\n", session)
    assert again.stdout == "Who knows?\n"
    assert "remembered" not in again.stderr.splitlines()[0]


def test_without_a_model_there_is_no_chat(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL_NAME", raising=False)
    with pytest.raises(ModelNotConfiguredError, match="no live model: MODEL_NAME"):
        run_chat(store, None, None)


@pytest.mark.parametrize("name", ["it's", " ", "two\nlines", "x" * 251, "half \ud83d"])
def test_a_session_that_no_search_would_find_is_not_begun(name: str, store: str) -> None:
    with pytest.raises(
        ScenarioNotFoundError, match="a session's name has up to 250 letters and no quotes"
    ):
        run_chat(store, name, None)


def test_a_session_whose_name_would_be_redacted_is_not_begun(store: str) -> None:
    with pytest.raises(ScenarioNotFoundError, match="this one would be redacted there"):
        run_chat(store, "ann@mail.example.org", None)


@pytest.mark.parametrize("name", ["", "x" * 251, "half \ud83d"])
def test_a_user_whom_no_trace_can_name_is_refused(name: str, store: str) -> None:
    with pytest.raises(ScenarioNotFoundError, match="a user's name has up to 250 letters"):
        run_chat(store, None, name)


def test_a_person_is_prompted_and_answered_and_leaves_with_ctrl_d(
    replay: ReplayServer, talk: Talk
) -> None:
    seen = talk.typed(replay, "I have three boats.\nHow many?\n\x04")
    assert "you: assistant: Noted: three boats.\r\nyou: assistant: Three boats.\r\nyou: " in seen


def test_what_a_terminal_would_obey_is_only_shown(talk: Talk) -> None:
    with replay_tape(make_tape(reply_line("assistant", "a\x1b[2Jb \x07c"))) as replay:
        assert "assistant: a�[2Jb �c\r\n" in talk.typed(replay, "go on\n\x04")


def test_a_script_is_given_every_character(talk: Talk) -> None:
    with replay_tape(make_tape(reply_line("assistant", "a\x1b[2Jb"))) as raw:
        assert talk.fed(raw, "go on\n").stdout == "a\x1b[2Jb\n"


def test_ctrl_c_stops_an_answer_and_the_chat_goes_on(store: str) -> None:
    with (
        replay_tape(make_tape(*LINES), [hangs("assistant")]) as replay,
        terminal(replay, store) as screen,
    ):
        screen.shows("you: ")
        screen.types("I have three boats.\n")
        while not replay.ledger.exchanges:
            time.sleep(0.02)
        os.kill(screen.process.pid, signal.SIGINT)
        screen.shows("stopped; this turn is not remembered")
        screen.shows("you: ", 2)
        screen.types("How many?\n")
        screen.shows("Who knows?")
        screen.types("\x04")
        assert screen.ends() == 1
    stopped, answered = stored(store, session_of(screen.seen)).roots
    assert {span.status_message.partition(":")[0] for span in stopped} == {"cancelled"}
    assert not answered.failed


def test_a_window_that_is_closed_takes_no_turn_along(replay: ReplayServer, store: str) -> None:
    with terminal(replay, store) as screen:
        screen.shows("you: ")
        screen.types("I have three boats.\n")
        screen.shows("you: ", 2)
        screen.process.kill()
        (turn,) = stored(store, session_of(screen.seen)).roots
    assert turn.outputs["messages"][0]["content"] == "Noted: three boats."


def test_ctrl_c_at_the_prompt_says_how_to_leave(
    replay: ReplayServer, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter([signal.SIGINT])

    def pressed(prompt: str) -> str:
        for key in typed:
            signal.raise_signal(key)
        raise EOFError

    monkeypatch.setattr("builtins.input", pressed)
    assert "\r\nCtrl-D ends the chat\r\n" in talk.typed(replay, "")


def test_the_key_is_in_no_trace(replay: ReplayServer, store: str, talk: Talk) -> None:
    done = talk.fed(replay, "I have three boats.\n")
    trace = stored(store, session_of(done.stderr))
    assert KEY not in json.dumps([str(span) for span in trace]) + done.stdout + done.stderr

"""A chat: a person at a terminal, or a script, who talks to a real model turn by turn."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from io import TextIOWrapper
from shlex import quote
from uuid import uuid4

import mlflow
from openai import OpenAIError
from rich.console import Console

from instrumentation.redaction.redaction import DEFAULT_REDACTION
from instrumentation.trace.lookup import MAX_NAME_CHARS, is_searchable, is_valid_name
from instrumentation.tracing import enable_tracing, record_run
from scenarios.cli.chat_memory import load_conversation
from scenarios.player.scenario_loader import ScenarioNotFoundError
from scenarios.reports.terminal_report import make_console
from workflows.chat_answer import NoAnswer
from workflows.chat_history import Conversation
from workflows.chat_stream import Streams, assistant, turn
from workflows.model import AnswerCutShort, Model


def run_chat(tracking_uri: str, session: str | None, user: str | None) -> bool:
    """Chat on the model that the environment names, until there is no more to read.

    What is said is read from stdin and answered on stdout; all else is told on stderr. Returns
    whether each line had its answer. Raises `NoModel`, or `NoScenario` for an odd session or user.
    """
    _check_names(session, user)
    model = Model.from_environment()
    by_hand = sys.stdin.isatty() and sys.stdout.isatty()
    with enable_tracing(tracking_uri), record_run({"flight_recorder.workflow": "chat_stream"}):
        conversation = (
            load_conversation(session, user) if session else Conversation(str(uuid4()), user)
        )
        front = ChatTerminal(by_hand, make_console(), make_console(stderr=True))
        front.greet(model, conversation)
        answered = front.run(conversation, model)
    if answered:
        whose = f" --user {quote(user)}" if user else ""
        again = f"python -m scenarios chat --session {quote(conversation.session)}{whose}"
        front.status.out(f"to go on: {again}", highlight=False)
    return all(answered)


def _check_names(session: str | None, user: str | None) -> None:
    """Raises `NoScenario` for a name that no trace bears, or by which no search finds one."""
    if session is not None and not is_searchable(session):
        few = f"up to {MAX_NAME_CHARS} letters and no quotes"
        raise ScenarioNotFoundError(f"a session's name has {few}: {session!r} is none")
    if session is not None and DEFAULT_REDACTION.redact_text(session) != session:
        raise ScenarioNotFoundError(
            "a session's name stands in each of its traces, and this one would be redacted there,"
            " and never be found again: take a name that is no address and no key"
        )
    if user is not None and not is_valid_name(user):
        raise ScenarioNotFoundError(
            f"a user's name has up to {MAX_NAME_CHARS} letters: {user!r} is none"
        )


class ChatTerminal:
    """Where the lines come from, and the answers go; `by_hand` there is a person at a terminal."""

    def __init__(self, is_interactive: bool, out: Console, status: Console) -> None:
        self.is_interactive = is_interactive
        self.out = out
        self.status = status

    def greet(self, model: Model, conversation: Conversation) -> None:
        turns = len(conversation.turns)
        known = f", {turns} turn{'' if turns == 1 else 's'} remembered" if turns else ""
        where = f"session {conversation.session}{known}, on {model.name} at {model.base_url}"
        self.status.out(where, highlight=False)
        if self.is_interactive:
            self.status.out("Ctrl-C stops an answer, Ctrl-D ends the chat", highlight=False)

    def run(self, conversation: Conversation, model: Model) -> list[bool]:
        """Say each line that is read; returns of each whether it was answered."""
        answered: list[bool] = []
        with asyncio.Runner() as runner:
            stack = AsyncExitStack()
            streams = runner.run(stack.enter_async_context(assistant(model)))
            try:
                for said in self.read_lines():
                    longer = self.answer(runner, conversation, said, streams)
                    answered.append(longer is not None)
                    conversation = longer or conversation
                    mlflow.flush_trace_async_logging()  # a closed window loses no turn
            finally:
                runner.run(stack.aclose())
        return answered

    def answer(
        self, runner: asyncio.Runner, conversation: Conversation, message: str, streams: Streams
    ) -> Conversation | None:
        """The conversation after one more turn; None where it failed, or was stopped."""
        if self.is_interactive:
            self.out.out("assistant: ", end="", style="bold")
        why = None
        try:
            # The runner turns Ctrl-C into the cancellation of this one turn.
            return runner.run(turn(conversation, message, streams, on_text=self.print_text))
        except (OpenAIError, AnswerCutShort, NoAnswer) as error:
            first = next(iter(str(error).splitlines()), type(error).__name__)
            why = f"no answer: {first}"
        except KeyboardInterrupt:
            if not self.is_interactive:
                raise
            why = "stopped"
        finally:
            self.out.out("")
            if why:
                self.status.out(f"{why}; this turn is not remembered", highlight=False)
        return None

    def print_text(self, _: str, text: str) -> None:
        self.out.out(text, end="", highlight=False)

    def read_lines(self) -> Iterator[str]:
        """What is said, a line a turn; lines that say nothing are passed over."""
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        while True:
            try:
                line = input("you: " if self.is_interactive else "")
            except EOFError:
                return
            except KeyboardInterrupt:
                if not self.is_interactive:
                    raise
                self.status.out("\nCtrl-D ends the chat", highlight=False)
                continue
            if line.strip():
                yield line

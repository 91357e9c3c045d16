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

from instrumentation.redaction.redaction import DEFAULT
from instrumentation.trace.lookup import LONGEST, bearable, findable
from instrumentation.tracing import recorded, traced
from scenarios.cli.chat_memory import remembered
from scenarios.player.scenario_loader import NoScenario
from scenarios.reports.terminal_report import console
from workflows.chat_answer import NoAnswer
from workflows.chat_history import Conversation
from workflows.chat_stream import Streams, assistant, turn
from workflows.model import AnswerCutShort, Model


def chat(tracking_uri: str, session: str | None, user: str | None) -> bool:
    """Chat on the model that the environment names, until there is no more to read.

    What is said is read from stdin and answered on stdout; all else is told on stderr. Returns
    whether each line had its answer. Raises `NoModel`, or `NoScenario` for an odd session or user.
    """
    _named(session, user)
    model = Model.from_environment()
    by_hand = sys.stdin.isatty() and sys.stdout.isatty()
    with traced(tracking_uri), recorded({"flight.workflow": "chat_stream"}):
        conversation = remembered(session, user) if session else Conversation(str(uuid4()), user)
        front = Front(by_hand, console(), console(stderr=True))
        front.greet(model, conversation)
        answered = front.run(conversation, model)
    if answered:
        whose = f" --user {quote(user)}" if user else ""
        again = f"python -m scenarios chat --session {quote(conversation.session)}{whose}"
        front.told.out(f"to go on: {again}", highlight=False)
    return all(answered)


def _named(session: str | None, user: str | None) -> None:
    """Raises `NoScenario` for a name that no trace bears, or by which no search finds one."""
    if session is not None and not findable(session):
        few = f"up to {LONGEST} letters and no quotes"
        raise NoScenario(f"a session's name has {few}: {session!r} is none")
    if session is not None and DEFAULT.text(session) != session:
        raise NoScenario(
            "a session's name stands in each of its traces, and this one would be redacted there,"
            " and never be found again: take a name that is no address and no key"
        )
    if user is not None and not bearable(user):
        raise NoScenario(f"a user's name has up to {LONGEST} letters: {user!r} is none")


class Front:
    """Where the lines come from, and the answers go; `by_hand` there is a person at a terminal."""

    def __init__(self, by_hand: bool, out: Console, told: Console) -> None:
        self.by_hand = by_hand
        self.out = out
        self.told = told

    def greet(self, model: Model, conversation: Conversation) -> None:
        turns = len(conversation.turns)
        known = f", {turns} turn{'' if turns == 1 else 's'} remembered" if turns else ""
        where = f"session {conversation.session}{known}, on {model.name} at {model.base_url}"
        self.told.out(where, highlight=False)
        if self.by_hand:
            self.told.out("Ctrl-C stops an answer, Ctrl-D ends the chat", highlight=False)

    def run(self, conversation: Conversation, model: Model) -> list[bool]:
        """Say each line that is read; returns of each whether it was answered."""
        answered: list[bool] = []
        with asyncio.Runner() as runner:
            stack = AsyncExitStack()
            streams = runner.run(stack.enter_async_context(assistant(model)))
            try:
                for said in self.lines():
                    longer = self.said(runner, conversation, said, streams)
                    answered.append(longer is not None)
                    conversation = longer or conversation
                    mlflow.flush_trace_async_logging()  # a closed window loses no turn
            finally:
                runner.run(stack.aclose())
        return answered

    def said(
        self, runner: asyncio.Runner, conversation: Conversation, said: str, streams: Streams
    ) -> Conversation | None:
        """The conversation after one more turn; None where it failed, or was stopped."""
        if self.by_hand:
            self.out.out("assistant: ", end="", style="bold")
        why = None
        try:
            # The runner turns Ctrl-C into the cancellation of this one turn.
            return runner.run(turn(conversation, said, streams, on_text=self.hear))
        except (OpenAIError, AnswerCutShort, NoAnswer) as error:
            first = next(iter(str(error).splitlines()), type(error).__name__)
            why = f"no answer: {first}"
        except KeyboardInterrupt:
            if not self.by_hand:
                raise
            why = "stopped"
        finally:
            self.out.out("")
            if why:
                self.told.out(f"{why}; this turn is not remembered", highlight=False)
        return None

    def hear(self, _: str, text: str) -> None:
        self.out.out(text, end="", highlight=False)

    def lines(self) -> Iterator[str]:
        """What is said, a line a turn; lines that say nothing are passed over."""
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        while True:
            try:
                line = input("you: " if self.by_hand else "")
            except EOFError:
                return
            except KeyboardInterrupt:
                if not self.by_hand:
                    raise
                self.told.out("\nCtrl-D ends the chat", highlight=False)
                continue
            if line.strip():
                yield line

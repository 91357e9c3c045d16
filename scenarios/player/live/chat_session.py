"""`chat`: talk to a real model on a terminal, or from a script, one turn per line.

A session is resumed from its stored traces.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from io import TextIOWrapper
from shlex import quote
from typing import Any
from uuid import uuid4

import mlflow
import typer
from openai import OpenAIError
from rich.console import Console

from instrumentation.redaction import DEFAULT_REDACTION
from instrumentation.trace import Span, trace_from_mlflow
from instrumentation.trace.lookup import (
    MAX_NAME_CHARS,
    is_searchable,
    is_valid_name,
    session_filter,
)
from instrumentation.tracing import enable_tracing, record_run
from scenarios.player.live.live_run import error_summary
from scenarios.player.live.registry_prompt import make_chat
from scenarios.reports.terminal_report import make_console
from workflows.chat_stream import StreamedChat
from workflows.model import Model, TruncatedAnswerError
from workflows.support.chat import Answer, Conversation, NoAnswerError

TakeTurn = Callable[[Conversation, str], Coroutine[Any, Any, Conversation]]
"""Answers a message; returns the conversation with this turn added."""


def run_chat(
    tracking_uri: str, session: str | None, user: str | None, prompt: str | None = None
) -> bool:
    """Chat with the model that the environment selects, until stdin ends.

    Messages are read from stdin, answers printed to stdout, everything else to stderr. `prompt` is
    the system prompt in MLflow's registry, as NAME@ALIAS; each turn loads it.

    Returns:
        Whether each message was answered.

    Raises:
        ModelNotConfiguredError: The environment selects no model.
        typer.BadParameter: The session ID or user name cannot be recorded or found again, or
            there is no such prompt.
    """
    _check_names(session, user)
    model = Model.from_environment()
    is_interactive = sys.stdin.isatty() and sys.stdout.isatty()
    with enable_tracing(tracking_uri), record_run({"flight_recorder.workflow": "chat_stream"}):
        conversation = (
            load_conversation(session, user) if session else Conversation(str(uuid4()), user)
        )
        terminal = ChatTerminal(is_interactive, make_console(), make_console(stderr=True))
        terminal.greet(model, conversation)
        answered = terminal.run(conversation, make_chat(model, prompt, terminal.print_text))
    if answered:
        user_option = f" --user {quote(user)}" if user else ""
        command = f"python -m scenarios chat --session {quote(conversation.session)}{user_option}"
        terminal.status.out(f"to continue: {command}", highlight=False)
    return all(answered)


def _check_names(session: str | None, user: str | None) -> None:
    """Raise typer.BadParameter for a session that no search would find, or an invalid user."""
    if session is not None and not is_searchable(session):
        raise typer.BadParameter(
            f"--session expects up to {MAX_NAME_CHARS} characters without quotes; got {session!r}"
        )
    if session is not None and DEFAULT_REDACTION.redact_text(session) != session:
        raise typer.BadParameter(
            "--session looks like a secret or an address and would be redacted in the traces, so"
            " that the session could not be found again; use another ID"
        )
    if user is not None and not is_valid_name(user):
        raise typer.BadParameter(f"--user expects up to {MAX_NAME_CHARS} characters; got {user!r}")


class ChatTerminal:
    """Reads messages and prints answers.

    Attributes:
        is_interactive: Whether a person types at a terminal, and is prompted.
        out: The console for answers.
        status: The console for everything else.
    """

    def __init__(self, is_interactive: bool, out: Console, status: Console) -> None:
        self.is_interactive = is_interactive
        self.out = out
        self.status = status

    def greet(self, model: Model, conversation: Conversation) -> None:
        turns = len(conversation.turns)
        known = f", {turns} turn{'' if turns == 1 else 's'} remembered" if turns else ""
        greeting = f"session {conversation.session}{known}, on {model.name} at {model.address}"
        self.status.out(greeting, highlight=False)
        if self.is_interactive:
            self.status.out("Ctrl-C stops an answer, Ctrl-D ends the chat", highlight=False)

    def run(self, conversation: Conversation, chat: StreamedChat) -> list[bool]:
        """Send each message that is read; returns for each whether it was answered."""
        answered: list[bool] = []
        with asyncio.Runner() as runner:
            client = chat.client()
            take_turn = partial(chat.take_turn, client)
            try:
                for message in self.read_lines():
                    longer = self.answer(runner, take_turn, conversation, message)
                    answered.append(longer is not None)
                    conversation = longer or conversation
                    mlflow.flush_trace_async_logging()  # so that closing the window loses no turn
            finally:
                runner.run(client.close())
        return answered

    def answer(
        self, runner: asyncio.Runner, take_turn: TakeTurn, conversation: Conversation, message: str
    ) -> Conversation | None:
        """The conversation after one more turn; None if the turn failed or was stopped."""
        if self.is_interactive:
            self.out.out("assistant: ", end="", style="bold")
        reason = None
        try:
            # The runner turns Ctrl-C into the cancellation of this turn alone.
            return runner.run(take_turn(conversation, message))
        except (OpenAIError, TruncatedAnswerError, NoAnswerError) as error:
            reason = f"no answer: {error_summary(error)}"
        except KeyboardInterrupt:
            if not self.is_interactive:
                raise
            reason = "stopped"
        finally:
            self.out.out("")
            if reason:
                self.status.out(f"{reason}; this turn is not remembered", highlight=False)
        return None

    def print_text(self, _: str, text: str) -> None:
        self.out.out(text, end="", highlight=False)

    def read_lines(self) -> Iterator[str]:
        """The messages, one per line, without blank lines."""
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


def load_conversation(session: str, user: str | None) -> Conversation:
    """The conversation of a session, without the turns that have no answer.

    Reads the active MLflow experiment. The conversation is empty if the session has no traces.
    Traces of other programs with the same session ID are ignored.
    """
    stored = mlflow.search_traces(filter_string=session_filter(session), return_type="list")
    exported = [trace.to_dict() for trace in stored if trace.data.spans]
    roots = (root for trace in exported for root in trace_from_mlflow([trace]).roots)
    conversation = Conversation(session, user)
    for root in sorted(roots, key=lambda root: root.start_ns):
        conversation = _add_turn(root, conversation)
    return conversation


def _add_turn(turn: Span, conversation: Conversation) -> Conversation:
    match turn.inputs, turn.outputs, turn.attributes.get("flight_recorder.workflow.outcome"):
        case (
            {"messages": [{"content": str(message)}]},
            {"messages": [{"content": str(text)}]},
            "answered" | "refused" as outcome,
        ) if turn.name == "turn" and not turn.failed:
            return conversation.with_turn(message, Answer(outcome, text))
    return conversation

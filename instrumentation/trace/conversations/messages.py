"""Read one message of a log as a step: its speaker, its text, its tool calls, its receiver."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from instrumentation.trace.conversations.conversation import Step, StepKind, ToolCall
from instrumentation.trace.formats.json_documents import decode_json
from instrumentation.trace.span_tree import TraceNotFoundError
from instrumentation.trace.wording import describe_value

PERSON_ROLES = frozenset(("user", "human"))
INSTRUCTION_ROLES = frozenset(("system", "developer"))
TOOL_ROLES = frozenset(("tool", "function"))
SPEAKER_WITH_NOTE = re.compile(r"(?P<speaker>[^()]*[^()\s])\s*\((?P<note>[^()]*)\)\s*")
"""A role such as `Orchestrator (thought)` or `Orchestrator (-> WebSurfer)`."""
RECEIVER_NOTE = re.compile(r"\s*(?:->|→|to:?\s)\s*(?P<receiver>.*\S)\s*")
NEXT_SPEAKER = re.compile(r"\s*next[ _]speaker\b[\s:=]*[\"'`]?(?P<receiver>[\w.-]+)", re.I)
"""A message that begins by naming the next speaker."""
MAX_VALUE_CHARS = 40


def read_message(message: Any, position: int, place: str) -> Step:
    """Read a message of a log.

    Args:
        message: An object with `role`, `name` or both, and `content` or `tool_calls`.
        position: Its position in the log, from 0.
        place: Where it is in the file, for error messages.

    Raises:
        TraceNotFoundError: It is not an object, names no speaker, or its content is no text.
    """
    if not isinstance(message, Mapping):
        value = describe_value(message, MAX_VALUE_CHARS)
        raise TraceNotFoundError(
            f"{place}: {value} is not a message; expected an object with `role` and `content`"
        )
    role, name = _label(message.get("role")), _label(message.get("name"))
    if not (role or name):
        raise TraceNotFoundError(
            f"{place}: the message names no speaker; expected the agent's name as `name` or `role`"
        )
    text = text_of(message.get("content"), place)
    speaker, receiver = _split_note(name or role)
    if receiver is None and (found := NEXT_SPEAKER.match(text)):
        receiver = found["receiver"]
    number = message.get("index")
    return Step(
        number=number if isinstance(number, int) else position,
        kind=_kind_of(role, name),
        speaker=speaker,
        text=text,
        calls=tuple(_iter_calls(message.get("tool_calls"))),
        call_id=_label(message.get("tool_call_id")),
        receiver=receiver,
    )


def text_of(content: Any, place: str) -> str:
    """The text of a content: a text, a list of parts with texts, or nothing.

    Raises:
        TraceNotFoundError: It is something else.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
        return "\n".join(text for text in texts if isinstance(text, str))
    raise TraceNotFoundError(
        f"{place}.content: {describe_value(content, MAX_VALUE_CHARS)} is no text; expected a text"
    )


def _kind_of(role: str, name: str) -> StepKind:
    """Which kind of speaker it is; a `user` with a name is an agent of a group chat."""
    role = role.casefold()
    if role in TOOL_ROLES:
        return "tool"
    if role in INSTRUCTION_ROLES:
        return "instruction"
    return "person" if role in PERSON_ROLES and name.casefold() in ("", *PERSON_ROLES) else "agent"


def _split_note(label: str) -> tuple[str, str | None]:
    """The speaker in a label, and the receiver that a note in brackets names."""
    if not (match := SPEAKER_WITH_NOTE.fullmatch(label)):
        return label, None
    receiver = RECEIVER_NOTE.fullmatch(match["note"])
    return match["speaker"].strip(), receiver["receiver"] if receiver else None


def _iter_calls(calls: Any) -> Iterator[ToolCall]:
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, Mapping):
            function = call.get("function")
            function = function if isinstance(function, Mapping) else call
            arguments = decode_json(function.get("arguments"))
            yield ToolCall(_label(call.get("id")), _label(function.get("name")), arguments)


def _label(value: Any) -> str:
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)

"""Read logs of conversations: Who&When's, AgentRx', and messages of OpenAI's chat API.

Sources: https://github.com/mingyin1/Agents_Failure_Attribution (Who&When, arXiv 2505.00212),
https://github.com/microsoft/AgentRx (arXiv 2602.02475).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from instrumentation.trace.conversations.conversation import Conversation, Step
from instrumentation.trace.conversations.messages import read_message
from instrumentation.trace.conversations.tool_output import mark_code_results
from instrumentation.trace.span_tree import TraceNotFoundError

MESSAGE_LISTS = ("history", "traj", "trajectory", "messages")
"""Fields that hold the messages of a conversation."""
ID_FIELDS = ("trajectory_id", "question_ID", "task_id", "id")
TASK_FIELDS = ("question", "instruction")
EXAMPLE = '{"history": [{"role": "Planner", "content": "…"}], "question": "…"}'


def read_conversations(documents: Sequence[Any]) -> list[Conversation]:
    """The conversations in the documents of a file; empty if it has none.

    Raises:
        TraceNotFoundError: A message cannot be read, or no agent says anything. The message names
            the place.
    """
    if len(documents) > 1 and all(map(_is_message, documents)):  # a message per line
        return [_read_conversation({}, documents, "line")]
    return [one for document in documents for one in _iter_conversations(document, "")]


def _iter_conversations(document: Any, place: str) -> Iterator[Conversation]:
    if isinstance(document, list) and document:
        if _is_message(document[0]):
            yield _read_conversation({}, document, place or "message")
        elif any(map(_find_messages, document)):
            for position, one in enumerate(document):
                yield from _iter_conversations(one, f"{place}[{position}]")
    elif found := _find_messages(document):
        name, messages = found
        yield _read_conversation(document, messages, f"{place}.{name}".removeprefix("."))


def _find_messages(document: Any) -> tuple[str, Sequence[Any]] | None:
    """The field with the messages of a log, and the messages; None if it is no log."""
    if not isinstance(document, Mapping):
        return None
    for name in MESSAGE_LISTS:
        messages = document.get(name)
        if isinstance(messages, list) and any(map(_is_message, messages)):
            return name, messages
    steps = document.get("steps")
    if isinstance(steps, list) and any(map(_is_step, steps)):
        return "steps", [message for step in steps for message in _messages_of_step(step)]
    return None


def _is_message(value: Any) -> bool:
    if not isinstance(value, Mapping) or not {"role", "name"} & value.keys():
        return False
    return bool({"content", "tool_calls"} & value.keys())


def _is_step(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("substeps"), list)


def _messages_of_step(step: Any) -> list[Any]:
    """The messages of a step of AgentRx' normalized form, each with the number of the step."""
    if not _is_step(step):
        return [step]
    return [
        {"index": step.get("index"), **one} if isinstance(one, Mapping) else one
        for one in step["substeps"]
    ]


def _read_conversation(
    document: Mapping[str, Any], messages: Sequence[Any], place: str
) -> Conversation:
    steps = [
        read_message(message, position, f"{place}[{position}]")
        for position, message in enumerate(messages)
    ]
    steps = mark_code_results(steps)
    if not any(step.kind == "agent" for step in steps):
        raise TraceNotFoundError(
            f"{place}: no message is an agent's; expected the agent's name as `name` or `role`,"
            f" for instance {EXAMPLE}"
        )
    id = next((str(document[name]) for name in ID_FIELDS if document.get(name) is not None), "")
    return Conversation(id, _task_of(document, steps), tuple(steps), document)


def _task_of(document: Mapping[str, Any], steps: Sequence[Step]) -> str:
    """The task as the log states it; else the system prompt and the first message of a person."""
    for name in TASK_FIELDS:
        if task := document.get(name):
            return task if isinstance(task, str) else json.dumps(task, ensure_ascii=False)
    opening = []
    for step in steps:
        if step.kind not in ("person", "instruction"):
            break
        opening.append(step.text)
    return "\n".join(opening)

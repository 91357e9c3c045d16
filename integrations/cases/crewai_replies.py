"""Scripted replies for the CrewAI cases: look-ups, delegation, answers.

Old releases of CrewAI send the model no tool schemas: they describe the tools in the prompt and
parse the tool name from the reply's text. A reply that calls a tool therefore has two forms, and a
run uses one of them.
"""

import json
from typing import Any

from integrations.cases.scripted_replies import (
    TOOL_AS_CALL_NOTE,
    TOOL_IN_TEXT_NOTE,
    ScriptedReply,
    scripted_reply,
)

SCOUT_ANSWER = "The Furka pass is open."
CLERK_ANSWER = "Noted: the Furka pass is open."


def calls_tools(
    lane: str,
    *calls: tuple[str, dict[str, Any]],
    when: str = "",
    content: str | None = None,
) -> tuple[ScriptedReply, ScriptedReply]:
    """`lane` calls tools, in both forms.

    The text form requests the first tool only. The tool-call form requests all of them, with
    `content` as its text.
    """
    name, arguments = calls[0]
    text = f"Thought: I need it.\nAction: {name}\nAction Input: {json.dumps(arguments)}"
    tool_calls = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return (
        scripted_reply(lane, text, rf"(?s)\A(?!tools: ).*{when}") | {"note": TOOL_IN_TEXT_NOTE},
        scripted_reply(lane, content, rf"(?s)\Atools: .*{when}", tool_calls=tool_calls)
        | {"note": TOOL_AS_CALL_NOTE},
    )


def calls_lookup(
    lane: str, *places: str, content: str | None = None
) -> tuple[ScriptedReply, ScriptedReply]:
    """`lane` looks up these places in one reply."""
    return calls_tools(lane, *(("lookup", {"place": place}) for place in places), content=content)


def delegates_to(coworker: str, when: str = "") -> tuple[ScriptedReply, ScriptedReply]:
    """The manager delegates to a coworker to find the pass."""
    arguments = {
        "task": "find the pass",
        "context": "it is winter",
        "coworker": coworker,
    }
    return calls_tools("manager", ("delegate_work_to_coworker", arguments), when=when)


SCOUT_THEN_CLERK = (
    *calls_lookup("scout", "Furka"),
    scripted_reply("scout", SCOUT_ANSWER),
    scripted_reply("clerk", CLERK_ANSWER),
)
EMBEDDING_REPLY: ScriptedReply = {
    "lane": "embedder",
    "origin": "scripted",
    "path": "/v1/embeddings",
    "reply": {"embeddings": [[0.5] * 8]},
}

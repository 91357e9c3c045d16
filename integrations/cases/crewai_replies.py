"""Lines of a crew's tape: who looks something up, who is asked to, and what they say.

Old releases of CrewAI offer a model no tools: they describe them, and read its text for the one
that it wants. So what asks for a tool has two forms, and either is enough.
"""

import json
from typing import Any

from integrations.cases.scripted_replies import (
    TEXT_FORM_NOTE,
    TOOL_CALL_FORM_NOTE,
    ScriptedReply,
    scripted_reply,
)

SCOUT_ANSWER = "The Furka pass is open."
CLERK_ANSWER = "Noted: the Furka pass is open."


def calls_tools(
    lane: str, *tools: tuple[str, dict[str, Any]], when: str = "", content: str | None = None
) -> tuple[ScriptedReply, ScriptedReply]:
    """`lane` asks for tools: for the first in its text where none are offered, else for all of them
    in calls, `saying` something along with these."""
    name, arguments = tools[0]
    text = f"Thought: I need it.\nAction: {name}\nAction Input: {json.dumps(arguments)}"
    calls = [{"name": name, "arguments": arguments} for name, arguments in tools]
    return (
        scripted_reply(lane, text, rf"(?s)\A(?!tools: ).*{when}") | {"note": TEXT_FORM_NOTE},
        scripted_reply(lane, content, rf"(?s)\Atools: .*{when}", tool_calls=calls)
        | {"note": TOOL_CALL_FORM_NOTE},
    )


def calls_lookup(
    lane: str, *places: str, content: str | None = None
) -> tuple[ScriptedReply, ScriptedReply]:
    """`lane` asks for these places at once."""
    return calls_tools(lane, *(("lookup", {"place": place}) for place in places), content=content)


def delegates_to(coworker: str, when: str = "") -> tuple[ScriptedReply, ScriptedReply]:
    """The manager asks a coworker to find the pass."""
    asked = {"task": "find the pass", "context": "it is winter", "coworker": coworker}
    return calls_tools("manager", ("delegate_work_to_coworker", asked), when=when)


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

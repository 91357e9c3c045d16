"""Lines of a crew's tape: who looks something up, who is asked to, and what they say.

Old releases of CrewAI offer a model no tools: they describe them, and read its text for the one
that it wants. So what asks for a tool has two forms, and either is enough.
"""

import json
from typing import Any

from integrations.cases.scripted_replies import AS_CALLS, AS_TEXT, Line, says

FOUND = "The Furka pass is open."
NOTED = "Noted: the Furka pass is open."


def asks(
    lane: str, *tools: tuple[str, dict[str, Any]], when: str = "", saying: str | None = None
) -> tuple[Line, Line]:
    """`lane` asks for tools: for the first in its text where none are offered, else for all of them
    in calls, `saying` something along with these."""
    name, arguments = tools[0]
    text = f"Thought: I need it.\nAction: {name}\nAction Input: {json.dumps(arguments)}"
    calls = [{"name": name, "arguments": arguments} for name, arguments in tools]
    return (
        says(lane, text, rf"(?s)\A(?!tools: ).*{when}") | {"note": AS_TEXT},
        says(lane, saying, rf"(?s)\Atools: .*{when}", tool_calls=calls) | {"note": AS_CALLS},
    )


def looks_up(lane: str, *places: str, saying: str | None = None) -> tuple[Line, Line]:
    """`lane` asks for these places at once."""
    return asks(lane, *(("lookup", {"place": place}) for place in places), saying=saying)


def delegates(coworker: str, when: str = "") -> tuple[Line, Line]:
    """The manager asks a coworker to find the pass."""
    asked = {"task": "find the pass", "context": "it is winter", "coworker": coworker}
    return asks("manager", ("delegate_work_to_coworker", asked), when=when)


FINDS_AND_NOTES = (*looks_up("scout", "Furka"), says("scout", FOUND), says("clerk", NOTED))
EMBEDDED: Line = {
    "lane": "embedder",
    "origin": "scripted",
    "path": "/v1/embeddings",
    "reply": {"embeddings": [[0.5] * 8]},
}

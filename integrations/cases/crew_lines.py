"""Lines of a crew's tape: who looks something up, who is asked to, and what they say."""

import json
from typing import Any

from integrations.lines import Line, says

FOUND = "The Furka pass is open."
NOTED = "Noted: the Furka pass is open."


def asks(lane: str, *tools: tuple[str, dict[str, Any]], when: str = "") -> Line:
    """A line that asks for tools: old releases read its text, the others its calls."""
    name, arguments = tools[0]
    text = f"Thought: I need it.\nAction: {name}\nAction Input: {json.dumps(arguments)}"
    calls = [{"name": name, "arguments": arguments} for name, arguments in tools]
    return says(lane, text, when, tool_calls=calls)


def looks_up(lane: str, *places: str, when: str = "") -> Line:
    """`lane` asks for these places at once."""
    return asks(lane, *(("lookup", {"place": place}) for place in places), when=when)


def delegates(coworker: str, when: str = "") -> Line:
    """The manager asks a coworker to find the pass."""
    asked = {"task": "find the pass", "context": "it is winter", "coworker": coworker}
    return asks("manager", ("delegate_work_to_coworker", asked), when=when)


FINDS_AND_NOTES = (looks_up("scout", "Furka"), says("scout", FOUND), says("clerk", NOTED))
EMBEDDED: Line = {
    "lane": "embedder",
    "origin": "scripted",
    "path": "/v1/embeddings",
    "reply": {"embeddings": [[0.5] * 8]},
}

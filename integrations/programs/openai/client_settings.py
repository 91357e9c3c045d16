"""A caller: a program that asks the `openai` package for itself, in a lane of its own.

`openai` executes no tool. Whoever asks it does, out of sight of whoever records it: what is seen
are the calls in a reply, and the results in the prompt that follows.
"""

import json
from collections.abc import Mapping
from typing import Any

from integrations.programs.case_context import AGENT_HEADER, API_KEY, MODEL, CaseContext

QUESTION = "How deep is the snow on the pass?"
SNOW_DEPTHS = {"pass": "40 cm", "hut": "15 cm"}
SNOW_TOOL_SCHEMA: dict[str, Any] = {
    "name": "snow",
    "description": "How deep the snow is at a place.",
    "parameters": {
        "type": "object",
        "properties": {"place": {"type": "string"}},
        "required": ["place"],
    },
}
CHAT_REQUEST: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]}


def client_settings(world: CaseContext) -> Mapping[str, Any]:
    """Those of a client, which tries once."""
    return {
        "base_url": world.base_url,
        "api_key": API_KEY,
        "default_headers": {AGENT_HEADER: "caller"},
        "max_retries": 0,
        "timeout": 10.0,
    }


def run_snow_tool(arguments: str) -> str:
    """What the tool answers."""
    place = json.loads(arguments)["place"]
    return f"{SNOW_DEPTHS[place]} of snow at the {place}"

"""A caller: a program that asks the `openai` package for itself, in a lane of its own.

`openai` executes no tool. Whoever asks it does, out of sight of whoever records it: what is seen
are the calls in a reply, and the results in the prompt that follows.
"""

import json
from collections.abc import Mapping
from typing import Any

from integrations.programs.case_context import API_KEY, LANE_HEADER, MODEL, World

ASKED = "How deep is the snow on the pass?"
DEPTHS = {"pass": "40 cm", "hut": "15 cm"}
SCHEMA: dict[str, Any] = {
    "name": "snow",
    "description": "How deep the snow is at a place.",
    "parameters": {
        "type": "object",
        "properties": {"place": {"type": "string"}},
        "required": ["place"],
    },
}
CHAT: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": ASKED}]}


def settings(world: World) -> Mapping[str, Any]:
    """Those of a client, which tries once."""
    return {
        "base_url": world.base_url,
        "api_key": API_KEY,
        "default_headers": {LANE_HEADER: "caller"},
        "max_retries": 0,
        "timeout": 10.0,
    }


def snow(arguments: str) -> str:
    """What the tool answers."""
    place = json.loads(arguments)["place"]
    return f"{DEPTHS[place]} of snow at the {place}"

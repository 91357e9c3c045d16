"""Client settings, question and tool that the `openai` programs are built from.

The `openai` package runs no tools: the program does, and no instrumentor sees it. A trace can show
only the tool calls of a reply, and their results in the next prompt.
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
CHAT_REQUEST: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": QUESTION}],
}


def client_settings(context: CaseContext) -> Mapping[str, Any]:
    """Keyword arguments of a client that does not retry."""
    return {
        "base_url": context.base_url,
        "api_key": API_KEY,
        "default_headers": {AGENT_HEADER: "caller"},
        "max_retries": 0,
        "timeout": 10.0,
    }


def run_snow_tool(arguments: str) -> str:
    """Run the tool with JSON arguments and return its result."""
    place = json.loads(arguments)["place"]
    return f"{SNOW_DEPTHS[place]} of snow at the {place}"

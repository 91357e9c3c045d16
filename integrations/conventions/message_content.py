"""Contents: how instrumentors spell what went into a completion, and what came out of it.

The conventions are those of conventions.py.
"""

import json
from collections.abc import Mapping
from typing import Any

PROMPT_ATTRIBUTES = ("gen_ai.input.messages", "gen_ai.system_instructions", "input.value")
"""Attributes that hold a prompt, whole."""
PROMPT_ATTRIBUTE_PREFIXES = ("gen_ai.prompt.", "llm.input_messages.", "llm.prompts.")
"""How attributes begin that hold a message of a prompt, or a part of one, each."""
OPERATION_DETAILS_EVENT = "gen_ai.client.inference.operation.details"
"""An event that holds both, in attributes as they are a span's own."""
PROMPT_EVENTS = (
    "gen_ai.system.message",
    "gen_ai.user.message",
    "gen_ai.assistant.message",
    "gen_ai.tool.message",
    "gen_ai.content.prompt",
    OPERATION_DETAILS_EVENT,
)
"""Events that hold one."""
REPLY_ATTRIBUTES = (
    "gen_ai.output.messages",
    "gen_ai.completion",
    "output.value",
    "gen_ai.tool.name",
    "gen_ai.tool.args",
)
"""Attributes that hold a reply, whole; the last two, which are OpenLIT's own, a call of it."""
REPLY_ATTRIBUTE_PREFIXES = ("gen_ai.completion.", "llm.output_messages.", "llm.choices.")
"""How attributes begin that hold a message of a reply, or a part of one, each."""
REPLY_EVENTS = ("gen_ai.choice", "gen_ai.content.completion", OPERATION_DETAILS_EVENT)
"""Events that hold one."""


def reply_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a span's attributes that hold a reply."""
    return {
        key: value
        for key, value in attributes.items()
        if key in REPLY_ATTRIBUTES or key.startswith(REPLY_ATTRIBUTE_PREFIXES)
    }


def extract_prompt(span: Mapping[str, Any]) -> str | None:
    """All that is told of what went in; as JSON, so that a text which is a number stays a text."""
    attributes: Mapping[str, Any] = span["attributes"]
    whole = [attributes[key] for key in PROMPT_ATTRIBUTES if key in attributes]
    parts = [
        value for key, value in attributes.items() if key.startswith(PROMPT_ATTRIBUTE_PREFIXES)
    ]
    events = [
        event["attributes"] for event in span.get("events") or () if event["name"] in PROMPT_EVENTS
    ]
    found = [*whole, *parts, *events]
    return json.dumps(found) if found else None


def extract_event_replies(span: Mapping[str, Any]) -> str | None:
    """What its events tell of what came out; what its attributes do, `replied` finds in them."""
    found = [
        reply_attributes(event["attributes"])
        if event["name"] == OPERATION_DETAILS_EVENT
        else event["attributes"]
        for event in span.get("events") or ()
        if event["name"] in REPLY_EVENTS
    ]
    return json.dumps(found) if any(found) else None

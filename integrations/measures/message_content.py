"""Find the prompts and replies in a span, in the attributes and events of each convention.

`span_normalization` lists the conventions.
"""

import json
from collections.abc import Mapping
from typing import Any

PROMPT_ATTRIBUTES = ("gen_ai.input.messages", "gen_ai.system_instructions", "input.value")
"""Attributes that hold a complete prompt."""
PROMPT_ATTRIBUTE_PREFIXES = ("gen_ai.prompt.", "llm.input_messages.", "llm.prompts.")
"""Prefixes of attributes that each hold one message of a prompt, or a part of it."""
OPERATION_DETAILS_EVENT = "gen_ai.client.inference.operation.details"
"""An event that holds the prompt and the reply, in the attributes that a span may have."""
PROMPT_EVENTS = (
    "gen_ai.system.message",
    "gen_ai.user.message",
    "gen_ai.assistant.message",
    "gen_ai.tool.message",
    "gen_ai.content.prompt",
    OPERATION_DETAILS_EVENT,
)
"""Events that hold a message of a prompt."""
REPLY_ATTRIBUTES = (
    "gen_ai.output.messages",
    "gen_ai.completion",
    "output.value",
    "gen_ai.tool.name",
    "gen_ai.tool.args",
)
"""Attributes that hold a complete reply. The last two are OpenLIT's, for a tool call in it."""
REPLY_ATTRIBUTE_PREFIXES = ("gen_ai.completion.", "llm.output_messages.", "llm.choices.")
"""Prefixes of attributes that each hold one message of a reply, or a part of it."""
REPLY_EVENTS = ("gen_ai.choice", "gen_ai.content.completion", OPERATION_DETAILS_EVENT)
"""Events that hold a reply."""


def reply_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that hold a reply."""
    return {
        key: value
        for key, value in attributes.items()
        if key in REPLY_ATTRIBUTES or key.startswith(REPLY_ATTRIBUTE_PREFIXES)
    }


def extract_prompt(span: Mapping[str, Any]) -> str | None:
    """Return everything that a span records of a prompt, as JSON, or None.

    JSON, so that a reply such as "42" stays text and does not become a number.
    """
    attributes: Mapping[str, Any] = span["attributes"]
    complete = [attributes[key] for key in PROMPT_ATTRIBUTES if key in attributes]
    parts = [
        value for key, value in attributes.items() if key.startswith(PROMPT_ATTRIBUTE_PREFIXES)
    ]
    events = [
        event["attributes"] for event in span.get("events") or () if event["name"] in PROMPT_EVENTS
    ]
    found = [*complete, *parts, *events]
    return json.dumps(found) if found else None


def extract_event_replies(span: Mapping[str, Any]) -> str | None:
    """Return what the span's events record of a reply, as JSON, or None.

    For replies in the span's own attributes see `reply_attributes`.
    """
    found = [
        reply_attributes(event["attributes"])
        if event["name"] == OPERATION_DETAILS_EVENT
        else event["attributes"]
        for event in span.get("events") or ()
        if event["name"] in REPLY_EVENTS
    ]
    return json.dumps(found) if any(found) else None

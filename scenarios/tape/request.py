"""A request: what a client asked, in the one form that tape, ledger and digest share.

The canonical body leaves out what changes from run to run without changing the question:

- `VOLATILE` keys: who asks (`user`, `api_key`, …), how the answer travels (`stream`, …), the
  `seed`, and the `model`, so that what was recorded with one model can be replayed under any name.
- ids of tool calls, which become ordinals in order of appearance: `call_1`, `call_2`, …; of the
  items that a client hands back to the Responses API, ids are left out.

Headers are read for the lane and then forgotten: no key can reach a tape or a ledger.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from scenarios.tape.conversation import render_conversation, to_chat_request

CHAT_PATH = "/v1/chat/completions"
RESPONSES_PATH = "/v1/responses"
COMPLETION_PATHS = (CHAT_PATH, RESPONSES_PATH)
"""Where a model is asked to go on: one API after the other, for the same models."""
EMBEDDINGS_PATH = "/v1/embeddings"
MODELS_PATH = "/v1/models"

VOLATILE_KEYS = frozenset(
    {
        "api_key",
        "metadata",
        "model",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "seed",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "user",
    }
)


@dataclass(frozen=True)
class Request:
    """One request in its lane; `body` is parsed JSON, or text where it is not JSON."""

    lane: str
    method: str
    path: str
    query: str
    body: Any

    @property
    def fields(self) -> Mapping[str, Any]:
        return self.body if isinstance(self.body, dict) else {}

    @property
    def is_streamed(self) -> bool:
        return self.fields.get("stream") is True

    @property
    def includes_usage(self) -> bool:
        options = self.fields.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    @property
    def model(self) -> str:
        """The model that was asked for, else an empty string."""
        named = self.fields.get("model")
        return named if isinstance(named, str) else ""

    @cached_property
    def canonical_body(self) -> Any:
        """The body without its volatile parts."""
        return canonicalize(self.body)

    @cached_property
    def digest(self) -> str:
        """`sha256:` and 64 hex digits of the canonical body, its keys sorted."""
        return compute_digest(self.canonical_body)

    @cached_property
    def searchable_text(self) -> str:
        """What a line's `when` is searched in: see conversation.py; else the request."""
        if self.path in COMPLETION_PATHS:
            return render_conversation(to_chat_request(self.fields))
        if self.path == EMBEDDINGS_PATH:
            asked = self.fields.get("input")
            return "\n".join(map(str, asked)) if isinstance(asked, list) else str(asked)
        target = f"{self.path}?{self.query}" if self.query else self.path
        body = self.body if isinstance(self.body, str) else to_sorted_json(self.body)
        return f"{self.method} {target}\n{body}"


def canonicalize(body: Any) -> Any:
    """`body` without its `VOLATILE` keys, ids of tool calls made ordinals."""
    if not isinstance(body, dict):
        return body
    kept = {key: value for key, value in body.items() if key not in VOLATILE_KEYS}
    for key, without_ids in (("messages", _message_without_ids), ("input", _item_without_ids)):
        if isinstance(said := kept.get(key), list):
            ordinals: dict[str, str] = {}
            kept[key] = [without_ids(one, ordinals) for one in said]
    return kept


def compute_digest(canonical_body: Any) -> str:
    return "sha256:" + hashlib.sha256(to_sorted_json(canonical_body).encode()).hexdigest()


def to_sorted_json(value: Any) -> str:
    """Compact JSON with sorted keys: the same value is always the same text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _message_without_ids(message: Any, ordinals: dict[str, str]) -> Any:
    """A message of a chat."""
    if not isinstance(message, dict):
        return message
    if isinstance(calls := message.get("tool_calls"), list):
        renamed = [
            call | {"id": _ordinal(call.get("id"), ordinals)} if isinstance(call, dict) else call
            for call in calls
        ]
        message = message | {"tool_calls": renamed}
    if "tool_call_id" in message:
        message = message | {"tool_call_id": _ordinal(message["tool_call_id"], ordinals)}
    return message


def _item_without_ids(item: Any, ordinals: dict[str, str]) -> Any:
    """An item of the Responses API, whose own id says where it was stored."""
    if not isinstance(item, dict) or "type" not in item:
        return item
    kept = {key: value for key, value in item.items() if key != "id"}
    if "call_id" in kept:
        kept["call_id"] = _ordinal(kept["call_id"], ordinals)
    return kept


def _ordinal(id: Any, ordinals: dict[str, str]) -> Any:
    return ordinals.setdefault(id, f"call_{len(ordinals) + 1}") if isinstance(id, str) else id

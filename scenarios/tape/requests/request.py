"""A client's request, its canonical body and digest, as tapes and the ledger store them.

The canonical body omits everything that changes from run to run without changing the question:

- `VOLATILE_KEYS`: the caller (`user`, `api_key`, …), the transport (`stream`, …), the `seed`, and
  the `model`, so that a recording of one model can be replayed under any model name.
- Ids of tool calls become ordinals in order of appearance: `call_1`, `call_2`, …. Items of the
  Responses API lose their own ids.

Headers are not stored. A recorded tape holds the canonical body as redacted, and the digest of the
original. The ledger, which is never written to a file, holds the original.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from scenarios.tape.requests.conversation import render_conversation, to_chat_request

CHAT_PATH = "/v1/chat/completions"
RESPONSES_PATH = "/v1/responses"
COMPLETION_PATHS = (CHAT_PATH, RESPONSES_PATH)
"""The endpoints for completions: Chat Completions API and Responses API."""
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
    """One request, in its lane. `body` is the parsed JSON, or text if it is not JSON.

    `guess` says why the lane is only the nearest one, if the agent was not recognised.
    """

    lane: str
    method: str
    path: str
    query: str
    body: Any
    guess: str = ""

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body if it is a JSON object, else an empty mapping."""
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
        """The requested model; empty if there is none."""
        name = self.fields.get("model")
        return name if isinstance(name, str) else ""

    @cached_property
    def canonical_body(self) -> Any:
        """The body without its volatile parts: see the module's docstring."""
        return canonicalize(self.body)

    @cached_property
    def digest(self) -> str:
        """`sha256:` and 64 hex digits of the canonical body, its keys sorted."""
        return compute_digest(self.canonical_body)

    @cached_property
    def searchable_text(self) -> str:
        """The text in which a line's `when` is searched: see `docs/reference/tape.md`."""
        if self.path in COMPLETION_PATHS:
            return render_conversation(to_chat_request(self.fields))
        if self.path == EMBEDDINGS_PATH:
            texts = self.fields.get("input")
            return "\n".join(map(str, texts)) if isinstance(texts, list) else str(texts)
        target = f"{self.path}?{self.query}" if self.query else self.path
        body = self.body if isinstance(self.body, str) else to_sorted_json(self.body)
        return f"{self.method} {target}\n{body}"


def canonicalize(body: Any) -> Any:
    """Return `body` without its `VOLATILE_KEYS`, with ordinals as ids of tool calls."""
    if not isinstance(body, dict):
        return body
    kept = {key: value for key, value in body.items() if key not in VOLATILE_KEYS}
    for key, without_ids in (("messages", _message_without_ids), ("input", _item_without_ids)):
        if isinstance(items := kept.get(key), list):
            ordinals: dict[str, str] = {}
            kept[key] = [without_ids(item, ordinals) for item in items]
    return kept


def compute_digest(canonical_body: Any) -> str:
    """Return `sha256:` and the hex digest of a canonical body."""
    return "sha256:" + hashlib.sha256(to_sorted_json(canonical_body).encode()).hexdigest()


def to_sorted_json(value: Any) -> str:
    """Return compact JSON with sorted keys: equal values give equal text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _message_without_ids(message: Any, ordinals: dict[str, str]) -> Any:
    """Replace the ids of tool calls in a chat message by ordinals."""
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
    """Remove the own id of a Responses API item; replace its call id by an ordinal."""
    if not isinstance(item, dict) or "type" not in item:
        return item
    kept = {key: value for key, value in item.items() if key != "id"}
    if "call_id" in kept:
        kept["call_id"] = _ordinal(kept["call_id"], ordinals)
    return kept


def _ordinal(id: Any, ordinals: dict[str, str]) -> Any:
    return ordinals.setdefault(id, f"call_{len(ordinals) + 1}") if isinstance(id, str) else id

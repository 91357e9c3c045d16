"""Identify an agent by its requests: by their system prompt and their tools."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from instrumentation.redaction import DEFAULT_REDACTION
from scenarios.tape.requests.conversation import system_prompt, to_chat_request, tool_names
from scenarios.tape.requests.volatile import NO_RULES, VolatileRules

CHANGING_PART = re.compile(
    r"\b(?:\d{1,2}(?:st|nd|rd|th)?|(?:mon|tues?|wednes|wed|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
    r"|(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?))\b(?=[\s,.]*\d)"
    r"|\b(?=[\w-]*\d)[\w-]+\b",
    re.IGNORECASE,
)
"""Numbers, words with digits, and the names of days and months before a number."""


@dataclass(frozen=True)
class AgentIdentity:
    """The system prompt and the sorted names of the tools of a request.

    The prompt is redacted as on a tape, and without its volatile parts.
    """

    prompt: str
    tools: tuple[str, ...]

    @classmethod
    def from_body(cls, body: Any, volatile: VolatileRules = NO_RULES) -> "AgentIdentity":
        """Return the identity of the agent that sends a body of either completion API."""
        fields = to_chat_request(body) if isinstance(body, dict) else {}
        prompt = _normalize(system_prompt(fields), volatile)
        return cls(prompt, tuple(sorted(tool_names(fields))))

    @property
    def stable(self) -> "AgentIdentity":
        """The same identity for prompts that differ only in dates, times, numbers and ids."""
        return AgentIdentity(stable_text(self.prompt), self.tools)


@lru_cache(maxsize=1024)
def stable_text(text: str) -> str:
    """Return a text in which everything with digits is `0`."""
    return CHANGING_PART.sub("0", text)


def tool_similarity(tools: Iterable[str], other: Iterable[str]) -> float:
    """Return the share of tools that both have, from 0 to 1; 1 if neither has any."""
    mine, theirs = set(tools), set(other)
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 1.0


@lru_cache(maxsize=1024)
def _normalize(prompt: str, volatile: VolatileRules) -> str:
    return volatile.normalize_text(DEFAULT_REDACTION.redact_text(prompt))

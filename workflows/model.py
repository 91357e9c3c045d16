"""The endpoint that a workflow calls: model name, address, API key, timeout and retries.

Every agent sends its name in the header `x-agent-name`. A gateway reads it to know which agent a
cost belongs to; the replay server reads it to know which lane of the tape answers.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

AGENT_HEADER = "x-agent-name"


class ModelNotConfiguredError(Exception):
    """Raised when the environment does not say which model to use."""


class UnansweredTaskError(Exception):
    """Raised when a task that an evaluation needs has no answer."""


class TruncatedAnswerError(Exception):
    """Raised when an answer ends before the model has finished it."""


@dataclass(frozen=True)
class Model:
    """An OpenAI-compatible endpoint, and how long and how often to try it.

    Attributes:
        name: The model's name, as the endpoint spells it.
        base_url: The endpoint's address, up to and including `/v1`.
        api_key: The key; it is in no repr.
        timeout_s: The longest wait for the next byte of an answer; None waits forever.
        max_retries: How often the client repeats a request that failed.
    """

    name: str
    base_url: str
    api_key: str = field(repr=False)
    timeout_s: float | None = 60.0
    max_retries: int = 2

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Model":
        """Read `MODEL_NAME`, `OPENAI_API_KEY` and `OPENAI_BASE_URL` (default: OpenAI's own).

        Raises `ModelNotConfiguredError` if one of them is missing or not an address.
        """
        missing = [name for name in ("MODEL_NAME", "OPENAI_API_KEY") if not environment.get(name)]
        if missing:
            raise ModelNotConfiguredError(
                f"no live model: {' and '.join(missing)} not set. For example:\n"
                "  export MODEL_NAME=qwen-plus OPENAI_API_KEY=…\n"
                "  export OPENAI_BASE_URL=http://127.0.0.1:11434/v1   (default: OpenAI's own)"
            )
        base_url = environment.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        _require_url(base_url)
        api_key = environment["OPENAI_API_KEY"].strip()
        if not (api_key.isascii() and api_key.isprintable()):
            raise ModelNotConfiguredError(
                "OPENAI_API_KEY has characters that no HTTP header can have; copy the key again"
            )
        return cls(name=environment["MODEL_NAME"], base_url=base_url, api_key=api_key)

    @property
    def address(self) -> str:
        """The base URL without the user and the password that it may have."""
        parts = urlsplit(self.base_url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _require_url(base_url: str) -> None:
    """Raise `ModelNotConfiguredError` for what is no address, without quoting its password."""
    if not base_url.startswith(("http://", "https://")):
        start = base_url.rpartition("@")[2]
        raise ModelNotConfiguredError(
            f"OPENAI_BASE_URL: {start!r} does not begin with http:// or https://"
        )
    try:
        parts = urlsplit(base_url)
        is_address = bool(parts.hostname) and parts.port != 0 and base_url.isprintable()
    except ValueError:
        is_address = False
    if not is_address:
        raise ModelNotConfiguredError(
            f"OPENAI_BASE_URL: {base_url.rpartition('@')[2]!r} is not an address;"
            " expected e.g. http://127.0.0.1:11434/v1"
        )

"""A model: where completions come from.

Each agent has a client of its own, which sends the agent's name in a header. A gateway reads such a
header to know whose cost it is; a tape reads it to know whose lane it is.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

LANE_HEADER = "x-agent-name"


class NoModel(Exception):
    """Raised when the environment does not say which model to use."""


class AnswerCutShort(Exception):
    """Raised when an answer stops before the model has said all that it had to say."""


@dataclass(frozen=True)
class Model:
    """An OpenAI-compatible endpoint: `name` as it spells it, `base_url` up to and with `/v1`."""

    name: str
    base_url: str
    api_key: str = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Model":
        """The model that `MODEL_NAME`, `OPENAI_BASE_URL` and `OPENAI_API_KEY` name."""
        missing = [name for name in ("MODEL_NAME", "OPENAI_API_KEY") if not environment.get(name)]
        if missing:
            raise NoModel(
                f"no live model: {' and '.join(missing)} not set. For instance:\n"
                "  export MODEL_NAME=qwen-plus OPENAI_API_KEY=…\n"
                "  export OPENAI_BASE_URL=http://127.0.0.1:11434/v1   (else OpenAI's own)"
            )
        base_url = environment.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        if not base_url.startswith(("http://", "https://")):
            raise NoModel(f"OPENAI_BASE_URL: {base_url!r} begins with neither http:// nor https://")
        return cls(
            name=environment["MODEL_NAME"],
            base_url=base_url,
            api_key=environment["OPENAI_API_KEY"],
        )

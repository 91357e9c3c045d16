"""Usage: the tokens of a completion, which each of CrewAI's providers names in its own way."""

from collections.abc import Mapping
from typing import Any


def token_counts(usage: Mapping[str, Any]) -> dict[str, int]:
    """The tokens by MLflow's names; none where what went in or what came out is not told."""
    from mlflow.tracing.constant import TokenUsageKey

    given = usage.get("prompt_tokens", usage.get("input_tokens"))
    said = usage.get("completion_tokens", usage.get("output_tokens"))
    if given is None or said is None:
        return {}
    counted = {
        TokenUsageKey.INPUT_TOKENS: given,
        TokenUsageKey.OUTPUT_TOKENS: said,
        TokenUsageKey.TOTAL_TOKENS: usage.get("total_tokens", given + said),
    }
    if cached := usage.get("cached_prompt_tokens"):
        counted[TokenUsageKey.CACHE_READ_INPUT_TOKENS] = cached
    return counted

"""The attributes of the LLM spans that patches record, and token counts under MLflow's names.

Each provider names its counts differently. Some count the tokens that were read from or written to
a prompt cache apart from the input tokens; MLflow and OpenTelemetry count them as a part of these.
"""

from collections.abc import Iterable, Mapping
from typing import Any

COMPLETION_SPAN_NAME = "chat_completion"
ATTEMPTS_ATTRIBUTE = "flight_recorder.http.attempts"
"""The number of HTTP requests that a completion sent."""
CLIENT_ATTRIBUTE = "flight_recorder.client"
"""Holds the client's class and method, such as `OpenAIChatCompletionClient.create_stream`."""
CLOSED_EARLY_ATTRIBUTE = "flight_recorder.completion.closed_early"
"""Whether the program closed the stream on purpose, which is no error."""
INPUT_KEYS = ("input_tokens", "prompt_tokens", "prompt_token_count", "inputTokens")
OUTPUT_KEYS = ("output_tokens", "completion_tokens", "candidates_token_count", "outputTokens")
TOTAL_KEYS = ("total_tokens", "total_token_count", "totalTokens")
DETAILS_KEYS = ("input_tokens_details", "prompt_tokens_details")
OUTPUT_DETAILS_KEYS = ("output_tokens_details", "completion_tokens_details")
REASONING_KEYS = ("reasoning_tokens", "thoughts_token_count")
REASONING_COUNT = "reasoning_tokens"
"""The count of `read_token_counts` that MLflow has no name for."""
CACHE_READ_KEYS = (
    *("cache_read_input_tokens", "cached_prompt_tokens", "cached_tokens"),
    *("cached_content_token_count", "prompt_cache_hit_tokens"),
    *("cacheReadInputTokens", "cacheReadInputTokenCount"),
)
CACHE_WRITE_KEYS = (
    *("cache_creation_input_tokens", "cache_creation_tokens", "cache_write_tokens"),
    *("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
)
SEPARATE_COUNTS = (
    ("input_tokens", ("cache_read_input_tokens", "cache_creation_input_tokens")),
    ("inputTokens", ("cacheReadInputTokens", "cacheWriteInputTokens")),
)
"""Input counts that leave out the tokens of these caches: Anthropic's and Bedrock's own APIs."""


def read_token_counts(usage: Any) -> dict[str, int]:
    """Return token counts under MLflow's names; {} if input or output tokens are not reported.

    Counts of cached and of reasoning tokens are left out if they are not reported. The input tokens
    include the cached ones. The usage is a mapping, or an object with attributes.
    """
    reported = _to_mapping(usage)
    details = [_to_mapping(reported.get(key)) for key in DETAILS_KEYS]
    output_details = [_to_mapping(reported.get(key)) for key in OUTPUT_DETAILS_KEYS]
    input_tokens = _first_count([reported], INPUT_KEYS)
    output_tokens = _first_count([reported], OUTPUT_KEYS)
    if input_tokens is None or output_tokens is None:
        return {}
    cache_read = _first_count([*details, reported], CACHE_READ_KEYS)
    cache_write = _first_count([*details, reported], CACHE_WRITE_KEYS)
    cached = (cache_read or 0) + (cache_write or 0)
    if cached > input_tokens or _counts_cache_apart(reported):
        input_tokens += cached
    reported_total = _first_count([reported], TOTAL_KEYS) or 0
    counts = {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "total_tokens": max(input_tokens + output_tokens, reported_total),
        "cache_read_input_tokens": cache_read,
        "cache_creation_input_tokens": cache_write,
        REASONING_COUNT: _first_count([*output_details, reported], REASONING_KEYS),
    }
    return {name: count for name, count in counts.items() if count is not None}


def token_attributes(counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the span attributes for counts that `read_token_counts` returned; {} if it did {}.

    Source: https://github.com/open-telemetry/semantic-conventions-genai
    """
    from mlflow.tracing.constant import SpanAttributeKey

    if not counts:
        return {}
    attributes = {
        "gen_ai.usage.input_tokens": counts["input_tokens"],
        "gen_ai.usage.output_tokens": counts["output_tokens"],
        "gen_ai.usage.cache_read.input_tokens": counts.get("cache_read_input_tokens"),
        "gen_ai.usage.cache_write.input_tokens": counts.get("cache_creation_input_tokens"),
        "gen_ai.usage.reasoning.output_tokens": counts.get(REASONING_COUNT),
    }
    usage = {name: count for name, count in counts.items() if name != REASONING_COUNT}
    known = {key: count for key, count in attributes.items() if count is not None}
    return {SpanAttributeKey.CHAT_USAGE: usage, **known}


def _counts_cache_apart(usage: Mapping[str, Any]) -> bool:
    return any(
        input_key in usage and any(key in usage for key in cache_keys)
        for input_key, cache_keys in SEPARATE_COUNTS
    )


def _first_count(sources: Iterable[Mapping[str, Any]], keys: tuple[str, ...]) -> int | None:
    """Return the first count among the keys, in their order; None if there is none."""
    values = (source.get(key) for source in sources for key in keys)
    return next((int(value or 0) for value in values if _is_count(value)), None)


def _is_count(value: Any) -> bool:
    """Return whether a value is a whole number; some endpoints write 11 as 11.0."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def _to_mapping(usage: Any) -> Mapping[str, Any]:
    """Return the counts as a mapping; {} if the endpoint sent something else in their place."""
    if isinstance(usage, Mapping):
        return usage
    if hasattr(usage, "model_dump"):
        dumped = usage.model_dump()
        return dumped if isinstance(dumped, Mapping) else {}
    return vars(usage) if hasattr(usage, "__dict__") else {}

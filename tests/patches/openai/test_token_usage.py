"""Token usage is recorded with both counts of a prompt cache, and priced with them."""

import json
from typing import Any

import pytest

from tests.support.openai_clients import (
    CHAT_REQUEST,
    RESPONSES_REQUEST,
    client_of_endpoint,
    only_llm_span,
    recording,
)

__all__ = ["recording"]
pytestmark = pytest.mark.usefixtures("recording")
CACHE_COUNTS = {"cache_read_input_tokens": 10_000, "cache_creation_input_tokens": 300}
CLAUDE = CHAT_REQUEST | {"model": "claude-sonnet-4-5"}
COST_USD = (200 * 3 + 10_000 * 0.3 + 300 * 3.75 + 20 * 15) / 1e6
"""Uncached input, tokens read from and written to the cache, and output, at the model's prices."""


def chat_body(**usage: Any) -> str:
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": "one"}}
    usage = {"prompt_tokens": 10_500, "completion_tokens": 20, "total_tokens": 10_520} | usage
    return json.dumps({"model": CLAUDE["model"], "choices": [choice], "usage": usage})


@pytest.mark.parametrize("is_stream", [False, True])
def test_both_cache_counts_are_recorded_and_priced(is_stream: bool) -> None:
    body = chat_body(**CACHE_COUNTS)
    if is_stream:
        body = f"data: {body.replace('message', 'delta')}\n\ndata: [DONE]\n\n"
    content_type = "text/event-stream" if is_stream else "application/json"
    with client_of_endpoint(content_type, body) as (client, run):
        reply = client.chat.completions.create(**CLAUDE, stream=is_stream)
        list(reply)
    span = only_llm_span(run)
    assert span.attributes["mlflow.chat.tokenUsage"] == {
        "input_tokens": 10_500,
        "output_tokens": 20,
        "total_tokens": 10_520,
        **CACHE_COUNTS,
    }
    assert span.cost_usd == pytest.approx(COST_USD)


def test_cached_tokens_in_the_details_are_recorded() -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 10_000}}
    with client_of_endpoint("application/json", chat_body(**details)) as (client, run):
        client.chat.completions.create(**CLAUDE)
    usage = only_llm_span(run).attributes["mlflow.chat.tokenUsage"]
    assert usage["cache_read_input_tokens"] == 10_000


def test_the_cached_tokens_of_a_response_are_recorded() -> None:
    usage = {
        "input_tokens": 10_500,
        "input_tokens_details": {"cached_tokens": 10_000},
        "output_tokens": 20,
        "total_tokens": 10_520,
    }
    item = {"type": "message", "role": "assistant", "content": []}
    body = {"model": CLAUDE["model"], "status": "completed", "output": [item], "usage": usage}
    with client_of_endpoint("application/json", json.dumps(body)) as (client, run):
        client.responses.create(**RESPONSES_REQUEST)
    recorded = only_llm_span(run).attributes["mlflow.chat.tokenUsage"]
    assert recorded["cache_read_input_tokens"] == 10_000


def test_usage_that_is_not_reported_is_not_recorded() -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": "one"}}
    with client_of_endpoint("application/json", json.dumps({"choices": [choice]})) as (client, run):
        client.chat.completions.create(**CHAT_REQUEST)
    assert "mlflow.chat.tokenUsage" not in only_llm_span(run).attributes

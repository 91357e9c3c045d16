"""Request completions with openai 3 while tracing is on, and print what is recorded as JSON.

Runs in an environment with openai 3. Usage: record_completions.py BASE_URL STORE HTTP_PACKAGE…
"""

import asyncio
import json
import sys
from importlib import import_module
from typing import Any

import openai

from instrumentation.trace import trace_from_mlflow
from instrumentation.tracing import enable_tracing, record_run

MODEL = "gpt-4o-mini"
MESSAGES: Any = [{"role": "user", "content": "go on"}]
Settings = dict[str, Any]


def request_plain(settings: Settings, http: Any) -> None:
    with http.Client() as http_client:
        client = openai.OpenAI(http_client=http_client, **settings)
        client.chat.completions.create(model=MODEL, messages=MESSAGES)


async def request_async(settings: Settings, http: Any) -> None:
    async with http.AsyncClient() as http_client:
        client = openai.AsyncOpenAI(http_client=http_client, **settings)
        await client.chat.completions.create(model=MODEL, messages=MESSAGES)


def request_streams(settings: Settings, http: Any) -> None:
    with http.Client() as http_client:
        client = openai.OpenAI(http_client=http_client, **settings)
        list(client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True))
        list(client.responses.create(model=MODEL, input="go on", stream=True))
        with client.chat.completions.stream(model=MODEL, messages=MESSAGES) as stream:
            stream.until_done()
        with client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True) as closed:
            next(closed)


async def request_async_stream(settings: Settings, http: Any) -> None:
    async with http.AsyncClient() as http_client:
        client = openai.AsyncOpenAI(http_client=http_client, **settings)
        async for _ in await client.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True
        ):
            pass


def main(base_url: str, store: str, *http_packages: str) -> dict[str, Any]:
    settings: Settings = {"base_url": base_url, "api_key": "none", "max_retries": 4}
    settings["default_headers"] = {"x-agent-name": "a"}
    with enable_tracing(store, frameworks=("openai",)) as tracing:
        completions = {name: record_completions(settings, name) for name in http_packages}
    skip_reasons = [outcome.skip_reason for outcome in tracing.patch_outcomes]
    return {
        "openai": openai.__version__,
        "skip_reasons": list(filter(None, skip_reasons)),
        "completions": completions,
    }


def record_completions(settings: Settings, http_package: str) -> list[dict[str, Any]]:
    """Request completions with the clients of an HTTP package; return their spans."""
    http = import_module(http_package)
    with record_run() as run:
        request_plain(settings, http)
        asyncio.run(request_async(settings, http))
        request_streams(settings, http)
        asyncio.run(request_async_stream(settings, http))
    return [
        {
            "name": span.name,
            "status": span.status_message or span.status,
            "text": str(span.outputs),
            "attempts": [child.name for child in span.children],
        }
        for span in trace_from_mlflow(trace.to_dict() for trace in run.traces()).spans_of_type(
            "LLM"
        )
    ]


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))

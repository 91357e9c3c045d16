"""What is asked of the Responses API."""

from typing import Any

import openai

from integrations.programs.case_context import MODEL, CaseContext, UnsupportedFeatureError
from integrations.programs.openai.client_settings import (
    QUESTION,
    SNOW_TOOL_SCHEMA,
    client_settings,
    run_snow_tool,
)

RESPONSES_REQUEST: dict[str, Any] = {
    "model": MODEL,
    "input": QUESTION,
    "instructions": "Answer briefly.",
}


def responses(world: CaseContext) -> str:
    with openai.OpenAI(**client_settings(world)) as client:
        return str(_responses_api(client).create(**RESPONSES_REQUEST).output_text)


def responses_stream(world: CaseContext) -> str:
    with openai.OpenAI(**client_settings(world)) as client:
        events = _responses_api(client).create(**RESPONSES_REQUEST, stream=True)
        return "".join(e.delta for e in events if e.type == "response.output_text.delta")


def responses_tool_calls(world: CaseContext) -> str:
    """Two at once, and then the answer."""
    items: list[Any] = [{"role": "user", "content": QUESTION}]
    asked: dict[str, Any] = {"model": MODEL, "tools": [{"type": "function", **SNOW_TOOL_SCHEMA}]}
    with openai.OpenAI(**client_settings(world)) as client:
        while True:
            answer = _responses_api(client).create(input=items, **asked)
            calls = [item for item in answer.output if item.type == "function_call"]
            if not calls:
                return str(answer.output_text)
            for call in calls:
                items.append(call.model_dump(exclude_none=True))
                result = {"call_id": call.call_id, "output": run_snow_tool(call.arguments)}
                items.append({"type": "function_call_output", **result})


def _responses_api(client: Any) -> Any:
    """The Responses API of a client. Raises `NotHere` where it has none."""
    if not hasattr(client, "responses"):
        raise UnsupportedFeatureError(
            f"openai {openai.__version__} has no Responses API: 1.66 was the first"
        )
    return client.responses

"""Programs that use the Responses API with the `openai` client."""

from typing import Any

import openai

from integrations.programs.case_context import MODEL, CaseContext, UnsupportedFeatureError
from integrations.programs.openai.building_blocks import (
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


def responses(context: CaseContext) -> str:
    """One request."""
    with openai.OpenAI(**client_settings(context)) as client:
        return str(_responses_api(client).create(**RESPONSES_REQUEST).output_text)


def responses_stream(context: CaseContext) -> str:
    """One streamed request."""
    with openai.OpenAI(**client_settings(context)) as client:
        events = _responses_api(client).create(**RESPONSES_REQUEST, stream=True)
        return "".join(
            event.delta for event in events if event.type == "response.output_text.delta"
        )


def responses_tool_calls(context: CaseContext) -> str:
    """Two tool calls in one reply, then the answer."""
    items: list[Any] = [{"role": "user", "content": QUESTION}]
    tools = [{"type": "function", **SNOW_TOOL_SCHEMA}]
    with openai.OpenAI(**client_settings(context)) as client:
        while True:
            response = _responses_api(client).create(model=MODEL, input=items, tools=tools)
            calls = [item for item in response.output if item.type == "function_call"]
            if not calls:
                return str(response.output_text)
            for call in calls:
                items.append(call.model_dump(exclude_none=True))
                result = {"call_id": call.call_id, "output": run_snow_tool(call.arguments)}
                items.append({"type": "function_call_output", **result})


def _responses_api(client: Any) -> Any:
    """Return the Responses API of a client. Raises `UnsupportedFeatureError` if it has none."""
    if not hasattr(client, "responses"):
        raise UnsupportedFeatureError(
            f"openai {openai.__version__} has no Responses API, which was added in 1.66"
        )
    return client.responses

"""What is asked of the Responses API."""

from typing import Any

import openai

from integrations.programs.case_context import MODEL, NotHere, World
from integrations.programs.openai.client_settings import ASKED, SCHEMA, settings, snow

RESPONSE: dict[str, Any] = {"model": MODEL, "input": ASKED, "instructions": "Answer briefly."}


def responses(world: World) -> str:
    with openai.OpenAI(**settings(world)) as client:
        return str(_of_responses(client).create(**RESPONSE).output_text)


def responses_stream(world: World) -> str:
    with openai.OpenAI(**settings(world)) as client:
        events = _of_responses(client).create(**RESPONSE, stream=True)
        return "".join(e.delta for e in events if e.type == "response.output_text.delta")


def responses_tool_calls(world: World) -> str:
    """Two at once, and then the answer."""
    items: list[Any] = [{"role": "user", "content": ASKED}]
    asked: dict[str, Any] = {"model": MODEL, "tools": [{"type": "function", **SCHEMA}]}
    with openai.OpenAI(**settings(world)) as client:
        while True:
            answer = _of_responses(client).create(input=items, **asked)
            calls = [item for item in answer.output if item.type == "function_call"]
            if not calls:
                return str(answer.output_text)
            for call in calls:
                items.append(call.model_dump(exclude_none=True))
                result = {"call_id": call.call_id, "output": snow(call.arguments)}
                items.append({"type": "function_call_output", **result})


def _of_responses(client: Any) -> Any:
    """The Responses API of a client. Raises `NotHere` where it has none."""
    if not hasattr(client, "responses"):
        raise NotHere(f"openai {openai.__version__} has no Responses API: 1.66 was the first")
    return client.responses

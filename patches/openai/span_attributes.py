"""The span attributes of a request of the `openai` package, and of its reply."""

from collections.abc import Mapping
from typing import Any

from patches.openai.completion_requests import Endpoint
from patches.openai.reply_parsing import ParsedReply
from patches.support.completion_attributes import token_attributes


def request_attributes(endpoint: Endpoint, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a request."""
    from mlflow.tracing.constant import SpanAttributeKey

    model = request.get("model")
    attributes = {
        SpanAttributeKey.MESSAGE_FORMAT: "openai" if endpoint.operation == "chat" else None,
        SpanAttributeKey.MODEL: model,
        SpanAttributeKey.CHAT_TOOLS: _to_chat_tools(request.get("tools")),
        "gen_ai.operation.name": endpoint.operation,
        "gen_ai.request.model": model,
    }
    return {key: value for key, value in attributes.items() if value}


def reply_attributes(reply: ParsedReply) -> dict[str, Any]:
    """Return the attributes of a reply; tokens only if the endpoint reports them."""
    from mlflow.tracing.constant import SpanAttributeKey

    attributes = {
        SpanAttributeKey.MODEL: reply.model,
        "gen_ai.response.model": reply.model,
        "gen_ai.response.id": reply.id,
        "gen_ai.response.finish_reasons": list(reply.finish_reasons),
    }
    known = {key: value for key, value in attributes.items() if value}
    return known | token_attributes(reply.usage)


def _to_chat_tools(tools: Any) -> list[Mapping[str, Any]]:
    """Convert a request's tools to the format of the chat API; the Responses API's is flatter."""
    listed = tools if isinstance(tools, list) else []
    return [_to_chat_tool(tool) for tool in listed if isinstance(tool, Mapping)]


def _to_chat_tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert one tool. The endpoint's own tools have no name, so they are named by their type."""
    if "function" in tool:
        return tool
    if isinstance(custom := tool.get("custom"), Mapping):
        return {"type": "function", "function": dict(custom)}
    # The headers of an MCP server hold credentials.
    definition = {key: value for key, value in tool.items() if key not in ("type", "headers")}
    return {"type": "function", "function": {"name": tool.get("type"), **definition}}

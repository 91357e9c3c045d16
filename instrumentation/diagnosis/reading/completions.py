"""Read a completion from its span: prompt, answer, tool calls and the tools that it was offered.

The messages of OpenAI's chat API, AutoGen's, and those of OpenTelemetry's GenAI conventions are
understood, and the flat attributes of OpenInference.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from instrumentation.diagnosis.reading.span_values import as_list, as_mapping
from instrumentation.diagnosis.reading.texts import plain_text
from instrumentation.trace.completions.flat_attributes import read_flat_messages
from instrumentation.trace.span import Span


@dataclass(frozen=True)
class ToolRequest:
    """A tool call that a model asked for; its arguments as the model wrote them."""

    name: str
    arguments: Any


@dataclass(frozen=True)
class Message:
    """A message of a prompt or an answer."""

    role: str
    text: str
    requests: tuple[ToolRequest, ...] = ()


class Completion:
    """The messages of a completion, each read on first use."""

    def __init__(self, span: Span) -> None:
        self.span = span

    @cached_property
    def prompt(self) -> tuple[Message, ...]:
        inputs = self.span.inputs
        for name in ("messages", "input", "prompt"):
            if isinstance(inputs, Mapping) and name in inputs:
                return tuple(_read_messages(inputs[name]))
        return tuple(_read_messages(inputs)) or self._flat_messages("llm.input_messages.")

    @cached_property
    def prompt_text(self) -> str:
        """The texts of the prompt, one after another."""
        return "\n".join(message.text for message in self.prompt)

    @cached_property
    def answer(self) -> Message:
        outputs = self.span.outputs
        if isinstance(outputs, Mapping) and (choices := outputs.get("choices")):
            first = next(iter(as_list(choices)), choices)
            outputs = first.get("message") if isinstance(first, Mapping) else first
        read = tuple(_read_messages(outputs)) or self._flat_messages("llm.output_messages.")
        return read[-1] if read else Message("assistant", "")

    @cached_property
    def finish_reason(self) -> str | None:
        """Why the model stopped; None if the trace does not say."""
        outputs = self.span.outputs
        choices = outputs.get("choices") if isinstance(outputs, Mapping) else None
        first = as_mapping(next(iter(as_list(choices)), None))
        reasons = as_list(self.span.attributes.get("gen_ai.response.finish_reasons"))
        reason = first.get("finish_reason") or next(iter(reasons), None)
        return str(reason) if reason else None

    @cached_property
    def tools(self) -> Mapping[str, Mapping[str, Any]]:
        """The tools that the model was offered: the JSON schema of their parameters, by name."""
        inputs = self.span.inputs
        offered = inputs.get("tools") if isinstance(inputs, Mapping) else None
        offered = offered or self.span.attributes.get("gen_ai.tool.definitions")
        tools = map(as_mapping, as_list(offered))
        functions = (as_mapping(tool.get("function", tool)) for tool in tools)
        return {
            str(one["name"]): as_mapping(one.get("parameters"))
            for one in functions
            if "name" in one
        }

    def _flat_messages(self, prefix: str) -> tuple[Message, ...]:
        return tuple(_read_messages(read_flat_messages(self.span.attributes, prefix)))


def _read_messages(value: Any) -> Iterator[Message]:
    if isinstance(value, str):
        yield Message("user", value)
    elif isinstance(value, Mapping):
        requests = tuple(_read_requests(value))
        content = value.get("content", value.get("parts", None if requests else value))
        parts = content if isinstance(content, list) else ()
        requests += tuple(request for part in parts for request in _read_requests(part))
        text = content if isinstance(content, str) else plain_text(_texts_of_parts(content))
        yield Message(str(value.get("role") or value.get("source") or ""), text, requests)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _read_messages(one)


def _texts_of_parts(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return [part for part in content if not (isinstance(part, Mapping) and _is_request(part))]


def _is_request(part: Mapping[str, Any]) -> bool:
    return "arguments" in part and "name" in part


def _read_requests(value: Any) -> Iterator[ToolRequest]:
    """The tool calls in a message, or the one that a part of a message is."""
    if not isinstance(value, Mapping):
        return
    if _is_request(value):
        yield ToolRequest(str(value["name"]), value["arguments"])
    for call in as_list(value.get("tool_calls")):
        if isinstance(call, Mapping):
            function = call.get("function") or call
            if isinstance(function, Mapping):
                yield ToolRequest(str(function.get("name")), function.get("arguments"))

"""List the completions of a trace, with request and reply in the shape of OpenAI's chat API.

It makes no difference which instrumentor recorded the trace: see `recorded_exchange.py` for the
conventions that are read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from instrumentation.trace.completions.recorded_exchange import read_reply, read_request
from instrumentation.trace.span import COMPLETION_TYPES, Span
from instrumentation.trace.span_tree import UNREADABLE_TRACE_ERRORS
from instrumentation.trace.trace import Trace

NODE_ATTRIBUTE = "graph.node.id"
"""OpenInference names the agent here; its span is named after a method."""


@dataclass(frozen=True)
class Completion:
    """One request to a model, and its reply.

    Attributes:
        agent: The agent whose turn it is in; empty if no span around it names one.
        request: {"messages", "tools"?}, or {"input", "instructions"?, "tools"?} of the Responses
            API. None if the trace does not hold it.
        reply: {"choices": […]}, or {"output": […]} of the Responses API. None like `request`.
        model: The model that answered; empty if the trace does not name it.
    """

    span: Span
    agent: str
    request: Mapping[str, Any] | None
    reply: Mapping[str, Any] | None
    model: str

    @property
    def uses_responses_api(self) -> bool:
        return self.request is not None and "messages" not in self.request


def list_completions(trace: Trace) -> tuple[Completion, ...]:
    """List the completions of a trace in the order in which they started.

    Two instrumentors may record one completion as two spans, one inside the other. Then the inner
    one counts, because it is nearer to the request.
    """
    found = [one for root in trace.roots for one in _completions_below(root, "")]
    # A trace that was read from a golden has no times; then the order of its spans counts.
    return tuple(sorted(found, key=lambda one: one.span.start_ns))


def _completions_below(span: Span, agent: str) -> Iterator[Completion]:
    agent = str(span.attributes.get(NODE_ATTRIBUTE) or span.agent or agent)
    inner = (one for child in span.children for one in child)
    if span.type not in COMPLETION_TYPES or any(one.type in COMPLETION_TYPES for one in inner):
        for child in span.children:
            yield from _completions_below(child, agent)
        return
    request, reply = _read(read_request, span), _read(read_reply, span)
    yield Completion(span, agent, request, reply, _model(span))


def _read(read: Callable[[Span], dict[str, Any] | None], span: Span) -> dict[str, Any] | None:
    """What the span holds; None if another program wrote something of an unknown shape."""
    try:
        return read(span)
    except UNREADABLE_TRACE_ERRORS:
        return None


def _model(span: Span) -> str:
    keys = ("gen_ai.response.model", "gen_ai.request.model", "mlflow.llm.model", "llm.model_name")
    return next((str(span.attributes[key]) for key in keys if span.attributes.get(key)), "")

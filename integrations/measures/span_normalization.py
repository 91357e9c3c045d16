"""Translate a span of any semantic convention to MLflow's attributes.

`normalize_span` adds attributes that MLflow would have written and removes none, so that a span of
MLflow's own, or one that MLflow has translated, stays as it is. The conventions:

- gen_ai.*: OpenTelemetry's semantic conventions for generative AI, 1.27 to 1.40
- llm.*, openinference.*, graph.node.*: OpenInference's semantic conventions, 0.1
- traceloop.*, gen_ai.prompt.N.*, llm.request.type, llm.usage.*: OpenLLMetry's, 0.5 and before
- gen_ai.usage.cost: OpenLIT's own
- crewai.agent.role: OpenLLMetry's CrewAI instrumentor, and CrewAI's own tracing
- crewai.crew.usage_metrics, crewai.flow.aggregated_crew_usage_metrics: CrewAI's own tracing
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from instrumentation.trace.span import SENDER_ATTRIBUTE, TOKEN_USAGE_ATTRIBUTE
from instrumentation.trace.span_tree import TraceNotFoundError, build_span_trees
from instrumentation.trace.trace import Trace, trace_from_mlflow
from integrations.measures.message_content import extract_event_replies, extract_prompt
from integrations.runner.case_run import CaseRun

SPAN_TYPES: Mapping[str, Mapping[str, str]] = {
    "openinference.span.kind": {
        kind: kind for kind in ("LLM", "TOOL", "AGENT", "CHAIN", "RETRIEVER", "EMBEDDING")
    },
    "traceloop.span.kind": {
        "workflow": "CHAIN",
        "task": "TASK",
        "agent": "AGENT",
        "tool": "TOOL",
    },
    "gen_ai.operation.name": {
        "chat": "LLM",
        "text_completion": "LLM",
        "generate_content": "LLM",
        "embeddings": "EMBEDDING",
        "execute_tool": "TOOL",
        "invoke_agent": "AGENT",
        "invoke_workflow": "CHAIN",
    },
    "llm.request.type": {"chat": "LLM", "completion": "LLM", "embedding": "EMBEDDING"},
}
"""The span type by attribute and value. The first attribute that a span has decides; the more
specific ones come first, because OpenLLMetry labels crews and tasks `invoke_agent` too."""

INPUT_TOKEN_ATTRIBUTES = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
)
OUTPUT_TOKEN_ATTRIBUTES = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
)
TOKEN_TOTAL_ATTRIBUTES = (
    "crewai.crew.token_usage",
    "crewai.crew.usage_metrics",
    "crewai.flow.aggregated_crew_usage_metrics",
)
"""Totals of a crew or a flow. OpenLLMetry writes the object's `repr`, CrewAI writes JSON."""
COST_ATTRIBUTES = ("gen_ai.usage.cost", "llm.cost.total")
AGENT_NAME = "gen_ai.agent.name"
AGENT_ROLE = "crewai.agent.role"
AGENT_ATTRIBUTES = (AGENT_ROLE, AGENT_NAME, "agent.name", "graph.node.id")
"""The agent of an AGENT span. CrewAI's own tracing writes a hash of the agent as its name, so its
role comes first."""


def normalize_span(span: Mapping[str, Any]) -> dict[str, Any]:
    """Return an exported span with MLflow's attributes added."""
    attributes = span["attributes"]
    derived = {key: value for key, value in _derived_attributes(span) if value is not None}
    has_no_type = attributes.get("mlflow.spanType") in (None, "UNKNOWN", '"UNKNOWN"')
    is_overridden = {
        "mlflow.spanType": has_no_type,
        AGENT_NAME: AGENT_ROLE in attributes and AGENT_NAME in derived,
    }
    kept = {key: value for key, value in attributes.items() if not is_overridden.get(key)}
    return {**span, "attributes": derived | kept, "status": _status(span)}


def _derived_attributes(span: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    attributes: Mapping[str, Any] = span["attributes"]
    span_type = _span_type(span)
    yield "mlflow.spanType", span_type
    yield "mlflow.spanInputs", extract_prompt(span)
    yield "mlflow.spanOutputs", extract_event_replies(span)
    yield TOKEN_USAGE_ATTRIBUTE, _tokens(attributes)
    cost = _first(attributes, COST_ATTRIBUTES)
    # OpenLIT writes 0 for a model that its price list does not have.
    yield "mlflow.llm.cost", {"total_cost": cost} if cost else None
    if span_type == "AGENT":
        yield AGENT_NAME, _first(attributes, AGENT_ATTRIBUTES)
        yield from _handoff(attributes)


def _handoff(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """OpenInference has no handoff spans, but an agent's span may name the agent before it."""
    sender, receiver = attributes.get("graph.node.parent_id"), attributes.get("graph.node.id")
    if sender and sender != "start":
        yield SENDER_ATTRIBUTE, sender
        yield "flight_recorder.handoff.to_agent", receiver


def _span_type(span: Mapping[str, Any]) -> str | None:
    """Return the type by the span's attributes, else by the operation that its name starts with.

    The name is needed because OpenLIT sets the attributes of a tool's span only once the tool has
    returned.
    """
    attributes = span["attributes"]
    by_attribute = (
        types.get(str(attributes.get(key)).strip('"')) for key, types in SPAN_TYPES.items()
    )
    operation, _, rest = span["name"].partition(" ")
    by_name = SPAN_TYPES["gen_ai.operation.name"].get(operation) if rest else None
    return next((each for each in by_attribute if each), by_name)


def _tokens(attributes: Mapping[str, Any]) -> dict[str, int] | None:
    found = {
        "input_tokens": _first(attributes, INPUT_TOKEN_ATTRIBUTES),
        "output_tokens": _first(attributes, OUTPUT_TOKEN_ATTRIBUTES),
    }
    tokens = {key: int(count) for key, count in found.items() if count is not None}
    totals = str(_first(attributes, TOKEN_TOTAL_ATTRIBUTES))
    total = re.search(r'total_tokens(?:=|": )(\d+)', totals)
    return tokens or ({"total_tokens": int(total[1])} if total else None)


def _status(span: Mapping[str, Any]) -> dict[str, str]:
    """Return the recorded status; if it is unset, an exception or `error.type` means an error."""
    status: dict[str, str] = span["status"]
    exception = next(
        (event for event in span.get("events") or () if event["name"] == "exception"), None
    )
    has_failed = exception is not None or "error.type" in span["attributes"]
    if status["code"] != "STATUS_CODE_UNSET" or not has_failed:
        return status
    message = (exception or {}).get("attributes", {}).get("exception.message", "")
    return {"code": "STATUS_CODE_ERROR", "message": str(message)}


def _first(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((attributes[key] for key in keys if attributes.get(key) is not None), None)


def normalized_trace(run: CaseRun) -> Trace:
    """Return the span tree of a run; without roots if nothing was recorded."""
    if run.spans:
        return Trace(build_span_trees([normalize_span(span) for span in run.spans]))
    try:
        return trace_from_mlflow(map(_normalize_mlflow_trace, run.traces))
    except TraceNotFoundError:
        return Trace(())


def _normalize_mlflow_trace(trace: Mapping[str, Any]) -> dict[str, Any]:
    data = trace["data"]
    return {**trace, "data": {**data, "spans": [normalize_span(span) for span in data["spans"]]}}

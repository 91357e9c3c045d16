"""Conventions: how instrumentors spell what a span was, in MLflow's words.

Each rule names where it is written down. `spelt` adds what MLflow's own attributes do not say and
takes nothing away, so that a span of MLflow's own, or of one that it has translated, is as it was.

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

from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE
from integrations.conventions.message_content import extract_event_replies, extract_prompt

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
"""What a span is, by the first of these attributes that it has: the narrower word comes first, for
OpenLLMetry calls crews and tasks `invoke_agent`, too."""

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
"""Of a crew, or of all of a flow's: OpenLLMetry's as the object spells itself, CrewAI's as JSON."""
COST_ATTRIBUTES = ("gen_ai.usage.cost", "llm.cost.total")
AGENT_NAME = "gen_ai.agent.name"
AGENT_ROLE = "crewai.agent.role"
AGENT_ATTRIBUTES = (AGENT_ROLE, AGENT_NAME, "agent.name", "graph.node.id")
"""Whose turn a span of an agent is. CrewAI's own tracing puts a hash of the agent in its name."""


def normalize_span(span: Mapping[str, Any]) -> dict[str, Any]:
    """An exported span with what it says in whatever convention said in MLflow's words, too."""
    attributes = span["attributes"]
    derived = {key: value for key, value in _derived_attributes(span) if value is not None}
    unknown = attributes.get("mlflow.spanType") in (None, "UNKNOWN", '"UNKNOWN"')
    better = {
        "mlflow.spanType": unknown,
        AGENT_NAME: AGENT_ROLE in attributes and AGENT_NAME in derived,
    }
    kept = {key: value for key, value in attributes.items() if not better.get(key)}
    return {**span, "attributes": derived | kept, "status": _status(span)}


def _derived_attributes(span: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    attributes: Mapping[str, Any] = span["attributes"]
    type = _span_type(span)
    yield "mlflow.spanType", type
    yield "mlflow.spanInputs", extract_prompt(span)
    yield "mlflow.spanOutputs", extract_event_replies(span)
    yield TOKEN_USAGE_ATTRIBUTE, _tokens(attributes)
    cost = _first(attributes, COST_ATTRIBUTES)
    # OpenLIT writes 0 for a model that its list does not have.
    yield "mlflow.llm.cost", {"total_cost": cost} if cost else None
    if type == "AGENT":
        yield AGENT_NAME, _first(attributes, AGENT_ATTRIBUTES)
        yield from _handoff(attributes)


def _handoff(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """OpenInference has no span for one, and yet a turn may name the agent before it."""
    sender, receiver = attributes.get("graph.node.parent_id"), attributes.get("graph.node.id")
    if sender and sender != "start":
        yield "flight_recorder.handoff.from_agent", sender
        yield "flight_recorder.handoff.to_agent", receiver


def _span_type(span: Mapping[str, Any]) -> str | None:
    """By its attributes; or by its name, which begins with the operation in gen_ai.*'s.

    OpenLIT gives the attributes of a tool's span only once the tool has answered.
    """
    attributes = span["attributes"]
    found = (types.get(str(attributes.get(key)).strip('"')) for key, types in SPAN_TYPES.items())
    named = SPAN_TYPES["gen_ai.operation.name"].get(span["name"].partition(" ")[0])
    return next((type for type in found if type), named if " " in span["name"] else None)


def _tokens(attributes: Mapping[str, Any]) -> dict[str, int] | None:
    used = {
        "input_tokens": _first(attributes, INPUT_TOKEN_ATTRIBUTES),
        "output_tokens": _first(attributes, OUTPUT_TOKEN_ATTRIBUTES),
    }
    told = {key: int(count) for key, count in used.items() if count is not None}
    total = re.search(
        r'total_tokens(?:=|": )(\d+)', str(_first(attributes, TOKEN_TOTAL_ATTRIBUTES))
    )
    return told or ({"total_tokens": int(total[1])} if total else None)


def _status(span: Mapping[str, Any]) -> dict[str, str]:
    """As it is told; where it is not, an exception or `error.type` tell of an error."""
    status: dict[str, str] = span["status"]
    raised = next(
        (event for event in span.get("events") or () if event["name"] == "exception"), None
    )
    failed = raised is not None or "error.type" in span["attributes"]
    if status["code"] != "STATUS_CODE_UNSET" or not failed:
        return status
    says = (raised or {}).get("attributes", {}).get("exception.message", "")
    return {"code": "STATUS_CODE_ERROR", "message": str(says)}


def _first(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((attributes[key] for key in keys if attributes.get(key) is not None), None)

"""A span of a trace tree: name, type, status, contents, times, child spans, and their order."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN_USAGE_ATTRIBUTE = "mlflow.chat.tokenUsage"
"""The attribute in which MLflow stores the token usage of a completion."""
COMPLETION_TYPES = frozenset(("LLM", "CHAT_MODEL"))
"""The types of a completion's span: of framework integrations, and of MLflow's for openai."""
SENDER_ATTRIBUTE = "flight_recorder.handoff.from_agent"
"""The agent that hands off its work."""
OUTCOME_ATTRIBUTE = "flight_recorder.workflow.outcome"
"""How the workflow of a root span ended, in a word of its own."""
IN_PROGRESS = "IN_PROGRESS"
"""The status of a span that never ended, as MLflow names it."""
CANCELLATION = re.compile(r"cancel|interrupted|killed|aborted|timed? ?out", re.I)
"""The beginning of the status message of a span that was cancelled or ran out of time."""
MAX_SPAN_DEPTH = 200
"""Spans that are nested deeper are rejected: such a trace is the product of a loop."""


@dataclass(frozen=True)
class Tokens:
    """Tokens that a completion used, as its endpoint reports them."""

    input: int = 0
    output: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.input + other.input, self.output + other.output)

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True)
class Span:
    """One operation of a run, with all operations inside it.

    Attributes:
        status: "OK", "ERROR", "UNSET", or "IN_PROGRESS" if the span never ended.
        attributes: OpenTelemetry attributes, decoded from MLflow's JSON.
        children: The spans directly inside this one, in the order in which they started.
        start_ns, end_ns: Nanoseconds since the epoch; 0 in a trace that was read from JSON.
        cost_usd: Cost of a completion by MLflow's price list. None if the model has no price, and
            in a trace that was read from JSON, because price lists change.
        id: The span's id in MLflow, in hexadecimal; empty in a trace that was read from JSON.
        trace_id: MLflow's id of its trace; empty like `id`.
    """

    name: str
    type: str
    status: str = "OK"
    status_message: str = ""
    inputs: Any = None
    outputs: Any = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    children: tuple["Span", ...] = ()
    start_ns: int = 0
    end_ns: int = 0
    cost_usd: float | None = None
    id: str = field(default="", compare=False)
    trace_id: str = field(default="", compare=False)

    def __iter__(self) -> Iterator["Span"]:
        """Yield this span and all its descendants; parents come before their children."""
        yield self
        for child in self.children:
            yield from child

    @property
    def failed(self) -> bool:
        """Whether the span ended with an error, or never ended."""
        return self.status in ("ERROR", IN_PROGRESS)

    @property
    def is_unfinished(self) -> bool:
        """Whether the span never ended, or was cancelled or ran out of time."""
        was_cancelled = self.failed and CANCELLATION.match(self.status_message) is not None
        return was_cancelled or self.status == IN_PROGRESS

    @property
    def agent(self) -> str | None:
        """The agent that did this work, if the span names it."""
        if self.attributes.get("gen_ai.operation.name") == "invoke_workflow":
            return None  # OpenTelemetry's attribute for an agent's name also holds a workflow's
        name = self.attributes.get("gen_ai.agent.name")
        return str(name) if name else self.name if self.type == "AGENT" else None

    @property
    def concurrent_agents(self) -> tuple[str, ...]:
        """The other agents that were at work during this turn, if the span names them."""
        agents = self.attributes.get("flight_recorder.turn.alongside")
        return tuple(map(str, agents)) if isinstance(agents, list | tuple) else ()

    @property
    def tokens(self) -> Tokens:
        usage = self.attributes.get(TOKEN_USAGE_ATTRIBUTE)
        if not isinstance(usage, Mapping):
            return Tokens()
        return Tokens(_to_count(usage.get("input_tokens")), _to_count(usage.get("output_tokens")))


def _to_count(value: Any) -> int:
    """A number of tokens; 0 for what is no number, as other programs may store."""
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else 0
    return value if isinstance(value, int) else 0


def sort_siblings(siblings: Iterable[Span]) -> tuple[Span, ...]:
    """Sort siblings by start time; where that order is accidental, by name and inputs.

    The order is accidental among spans that overlap in time, among tool calls without a completion
    between them (the calls of one reply), and among handoffs from turns that ran concurrently.
    Among those, handoffs come first.
    """
    by_start = sorted(siblings, key=lambda span: span.start_ns)
    concurrent: dict[str | None, set[str]] = {}
    for turn in by_start:
        concurrent.setdefault(turn.agent, set()).update(turn.concurrent_agents)
    groups: list[list[Span]] = []
    busy_until_ns = -1
    for span in by_start:
        last = groups[-1][-1] if groups else None
        same_reply = last is not None and span.type == last.type == "TOOL"
        senders_overlap = last is not None and _handoff_sender(span) in concurrent.get(
            _handoff_sender(last), ()
        )
        if groups and (same_reply or senders_overlap or span.start_ns < busy_until_ns):
            groups[-1].append(span)
        else:
            groups.append([span])
        busy_until_ns = max(busy_until_ns, span.end_ns)
    return tuple(span for group in groups for span in sorted(group, key=_sort_key))


def _handoff_sender(span: Span) -> str | None:
    """The sender of a handoff; None for any other span."""
    sender = span.attributes.get(SENDER_ATTRIBUTE)
    return None if sender is None else str(sender)


def _sort_key(span: Span) -> tuple[bool, str, str, str]:
    inputs = json.dumps(span.inputs, sort_keys=True, default=str)
    return (span.type != "HANDOFF", span.name, span.type, inputs)

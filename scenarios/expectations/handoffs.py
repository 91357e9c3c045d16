"""Expectations about handoffs: whether work reaches the next agent, by an edge or a delegation."""

from collections.abc import Sequence

from instrumentation.trace import Span, Trace
from scenarios.expectations.expectation import expectation
from scenarios.expectations.wording import list_names
from scenarios.reports.wording import count_of

SCORE_ATTRIBUTE = "flight_recorder.handoff.efficiency_score"
MIN_ARRIVED_SHARE = 0.8
"""From this share of the sender's text on, a handoff has arrived. A summary in other words has not:
the receiver was not given the text."""
MAX_LOST_SHARE = 0.2
"""Up to this share of the sender's text, a handoff is lost."""


@expectation("{sender} hands off to {receiver} {times:times}", agents=("sender", "receiver"))
def hands_off(trace: Trace, sender: str, receiver: str, *, times: int = 1) -> str | None:
    """Work passes from sender to receiver this many times, and arrives each time."""
    found = trace.handoffs(sender, receiver)
    if len(found) != times:
        return f"{count_of(len(found), 'such handoff')}{_describe_received(trace, receiver)}"
    if unscored := _describe_unscored(found):
        return unscored
    lost = [span for span in found if _arrived_share(span) < MIN_ARRIVED_SHARE]
    if not lost:
        return None
    sent = lost[0].attributes.get("flight_recorder.handoff.output_chars", "")
    return f"only {_arrived_share(lost[0]):.0%} of the {sent} characters sent arrived"


@expectation(
    "the handoff from {sender} to {receiver} is lost",
    agents=("sender", "receiver"),
    signals_failure=True,
)
def loses_handoff(trace: Trace, sender: str, receiver: str) -> str | None:
    """There is a handoff from sender to receiver of which almost nothing arrives."""
    found = trace.handoffs(sender, receiver)
    if not found:
        return f"no such handoff{_describe_received(trace, receiver)}"
    if unscored := _describe_unscored(found):
        return unscored
    least = min(map(_arrived_share, found))
    return None if least <= MAX_LOST_SHARE else f"at least {least:.0%} of each arrived"


@expectation("the edge {source} → {target} is taken on {on} once", agents=("source", "target"))
def takes_edge(trace: Trace, source: str, target: str, *, on: str) -> str | None:
    """The graph goes from source to target once, because the condition `on` is met.

    Every conditional handoff between the two must have this condition.
    """

    conditions = [
        span.attributes.get("flight_recorder.routing.condition")
        for span in trace.handoffs(source, target)
    ]
    met = [condition for condition in conditions if condition is not None]
    if met == [on]:
        return None
    return f"it was taken on {', '.join(map(str, met)) or 'no condition'}"


@expectation("{sender} delegates to {receiver} {times:times}", agents=("sender", "receiver"))
def delegates_to(trace: Trace, sender: str, receiver: str, *, times: int = 1) -> str | None:
    """The sender delegates work to the receiver this many times."""
    delegations = [span for span in trace.handoffs(sender, receiver) if _is_delegation(span)]
    if len(delegations) == times:
        return None
    found = count_of(len(delegations), "such delegation")
    return f"{found}; delegations of the run: {_list_delegations(list(trace))}"


@expectation(
    "the task {task} is delegated to an agent that never calls {tool}",
    signals_failure=True,
    span_name="{task}",
)
def delegates_without_calling(trace: Trace, task: str, *, tool: str) -> str | None:
    """The task is delegated, and no agent that works on it calls the tool that it needs."""
    tasks = [span for span in trace.spans_of_type("TASK") if span.name == task]
    if not tasks:
        return f"no task has this name; tasks: {list_names(trace, 'TASK')}"
    spans = [span for found in tasks for span in found]
    if not any(map(_is_delegation, spans)):
        return "the task is not delegated"
    calls = sum(span.type == "TOOL" and span.name == tool for span in spans)
    if not calls:
        return None
    called = f"{count_of(calls, 'call')} of {tool}"
    return f"{called}; delegations: {_list_delegations(spans)}"


def _arrived_share(handoff: Span) -> float:
    return float(handoff.attributes[SCORE_ATTRIBUTE])


def _describe_unscored(handoffs: Sequence[Span]) -> str | None:
    """Name a handoff span without a score, such as another program's; None if all have one."""
    for span in handoffs:
        score = span.attributes.get(SCORE_ATTRIBUTE)
        if not isinstance(score, int | float):
            return f"its span has {SCORE_ATTRIBUTE}={score!r}, so what arrived is unknown"
    return None


def _describe_received(trace: Trace, receiver: str) -> str:
    """The handoffs that the receiver did get: the nearest thing to the one that is missing."""
    received = [
        span.name
        for span in trace.spans_of_type("HANDOFF")
        if span.attributes.get("flight_recorder.handoff.to_agent") == receiver
    ]
    return f"; handoffs to {receiver}: {', '.join(received) or 'none'}"


def _is_delegation(span: Span) -> bool:
    return (
        span.type == "HANDOFF"
        and span.attributes.get("flight_recorder.handoff.kind") == "delegation"
    )


def _list_delegations(spans: list[Span]) -> str:
    return ", ".join(span.name for span in spans if _is_delegation(span)) or "none"

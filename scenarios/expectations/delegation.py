"""An expectation of routing: to whom work is delegated, and whether that does it any good."""

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.wording import pluralize


def delegates_to(sender: str, receiver: str, *, times: int = 1) -> Expectation:
    """The sender delegates work to the receiver so many times."""

    def why_not(trace: Trace) -> str | None:
        seen = [span for span in trace.handoffs(sender, receiver) if _is_delegation(span)]
        if len(seen) == times:
            return None
        return f"{pluralize(len(seen), 'time')}; delegations: {_list_delegations(list(trace))}"

    says = f"{sender} delegates to {receiver}, {pluralize(times, 'time')}"
    return Expectation(says, why_not, (sender, receiver))


def delegates_without_calling(task: str, *, tool: str) -> Expectation:
    """A task is delegated, and nobody to whom it is given calls the tool that it takes."""

    def why_not(trace: Trace) -> str | None:
        tasks = [span for span in trace.spans_of_type("TASK") if span.name == task]
        if not tasks:
            names = ", ".join(span.name for span in trace.spans_of_type("TASK")) or "none"
            return f"no task of this name; tasks: {names}"
        inside = [span for one in tasks for span in one]
        if not any(map(_is_delegation, inside)):
            return "it is not delegated at all"
        seen = sum(span.type == "TOOL" and span.name == tool for span in inside)
        return (
            f"{pluralize(seen, 'call')} of {tool}; delegations: {_list_delegations(inside)}"
            if seen
            else None
        )

    return Expectation(f"delegates {task} in vain, lacking {tool}", why_not, signals_failure=True)


def _is_delegation(span: Span) -> bool:
    return (
        span.type == "HANDOFF"
        and span.attributes.get("flight_recorder.handoff.kind") == "delegation"
    )


def _list_delegations(spans: list[Span]) -> str:
    return ", ".join(span.name for span in spans if _is_delegation(span)) or "none"

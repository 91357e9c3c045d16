"""An expectation of routing: to whom work is delegated, and whether that does it any good."""

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.wording import counted


def delegates(sender: str, receiver: str, *, times: int = 1) -> Expectation:
    """The sender delegates work to the receiver so many times."""

    def why_not(trace: Trace) -> str | None:
        seen = [span for span in trace.handoffs(sender, receiver) if _delegation(span)]
        if len(seen) == times:
            return None
        return f"{counted(len(seen), 'time')}; delegations: {_all(list(trace))}"

    says = f"{sender} delegates to {receiver}, {counted(times, 'time')}"
    return Expectation(says, why_not, (sender, receiver))


def delegates_in_vain(task: str, *, lacking: str) -> Expectation:
    """A task is delegated, and nobody to whom it is given calls the tool that it takes."""

    def why_not(trace: Trace) -> str | None:
        tasks = [span for span in trace.of_type("TASK") if span.name == task]
        if not tasks:
            names = ", ".join(span.name for span in trace.of_type("TASK")) or "none"
            return f"no task of this name; tasks: {names}"
        inside = [span for one in tasks for span in one]
        if not any(map(_delegation, inside)):
            return "it is not delegated at all"
        seen = sum(span.type == "TOOL" and span.name == lacking for span in inside)
        return (
            f"{counted(seen, 'call')} of {lacking}; delegations: {_all(inside)}" if seen else None
        )

    return Expectation(f"delegates {task} in vain, lacking {lacking}", why_not, alarming=True)


def _delegation(span: Span) -> bool:
    return span.type == "HANDOFF" and span.attributes.get("handoff.kind") == "delegation"


def _all(spans: list[Span]) -> str:
    return ", ".join(span.name for span in spans if _delegation(span)) or "none"

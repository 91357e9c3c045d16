"""An error: an attempt at a completion that got no answer, or a tool that raised."""

from collections import Counter
from collections.abc import Iterator

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.player.fidelity import FidelityCount

ERROR_KINDS = {
    "LLM": "completion",
    "CHAT_MODEL": "completion",
    "ATTEMPT": "completion",
    "TOOL": "tool",
}
"""What fails where an error is told in a span of this type; elsewhere it may be either."""


def count_errors(failed_attempts: int, failed_tools: int, trace: Trace) -> FidelityCount:
    """So many attempts failed, and so many tools, against the errors that a trace tells.

    One that flew through several spans is told where it began. A completion that failed only as it
    was being recorded makes up for no tool whose error is missing.
    """
    due = Counter({"completion": failed_attempts, "tool": failed_tools})
    seen = Counter(
        ERROR_KINDS.get(span.type, "") for root in trace.roots for span in error_origins(root)
    )
    found = (due & seen).total()
    found = min(due.total(), found + seen[""])
    return FidelityCount(due.total(), found if found < due.total() else seen.total())


def error_origins(span: Span) -> Iterator[Span]:
    """Where the errors in a span, or beneath it, began: not where they only flew through."""
    beneath = [origin for child in span.children for origin in error_origins(child)]
    yield from beneath or ([span] if span.failed else [])

"""Compare the errors of a run (failed attempts, tools that raised) with those that are recorded."""

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
"""What failed, by the type of the span in which the error began. In a span of any other type it may
be either."""


def compare_error_counts(failed_attempts: int, failed_tools: int, trace: Trace) -> FidelityCount:
    """Count errors that happened and errors that a trace records.

    An error that propagated through several spans counts once, where it began. A completion whose
    recording failed does not make up for a tool error that is missing.
    """
    happened = Counter({"completion": failed_attempts, "tool": failed_tools})
    recorded = Counter(
        ERROR_KINDS.get(span.type, "") for root in trace.roots for span in error_origins(root)
    )
    matched = (happened & recorded).total()
    matched = min(happened.total(), matched + recorded[""])
    is_all = matched == happened.total()
    return FidelityCount(happened.total(), recorded.total() if is_all else matched)


def error_origins(span: Span) -> Iterator[Span]:
    """Yield the spans in a subtree where errors began, without those they propagated through."""
    below = [origin for child in span.children for origin in error_origins(child)]
    yield from below or ([span] if span.status == "ERROR" else [])  # not: never ended

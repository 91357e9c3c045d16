"""Compares the errors of a run, and the totals of its tokens, with those that are recorded."""

from collections import Counter
from collections.abc import Iterator, Mapping

from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE, Span
from instrumentation.trace.trace import Trace
from integrations.measures.placement import COMPLETION_TYPES
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


SINGLE_CALL_TYPES = (*COMPLETION_TYPES, "EMBEDDING")
"""Types of spans whose tokens are those of one call, and not a total."""


def compare_run_token_totals(used_tokens: int, trace: Trace) -> FidelityCount:
    """Compare the recorded totals with the tokens that were used; 0 of 0 if none is recorded.

    Of nested totals, such as a crew's and its agents', the outermost counts.
    """
    totals = [total for root in trace.roots for total in _outermost_totals(root)]
    return FidelityCount(used_tokens if totals else 0, sum(totals))


def _outermost_totals(span: Span) -> Iterator[int]:
    own = 0 if span.type in SINGLE_CALL_TYPES else _token_total(span)
    if own:
        yield own
        return
    for child in span.children:
        yield from _outermost_totals(child)


def _token_total(span: Span) -> int:
    """Read the total from the attributes, or from the `token_usage` in a crew's outputs."""
    outputs = span.outputs if isinstance(span.outputs, Mapping) else {}
    for usage in (span.attributes.get(TOKEN_USAGE_ATTRIBUTE), outputs.get("token_usage")):
        if isinstance(usage, Mapping) and usage.get("total_tokens"):
            return int(usage["total_tokens"])
    return span.tokens.total

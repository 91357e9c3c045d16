"""Compare the tokens that a run used with the total on the run's or agent's own span."""

from collections.abc import Iterator, Mapping

from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE, Span
from instrumentation.trace.trace import Trace
from integrations.measures.placement import COMPLETION_TYPES
from scenarios.player.fidelity import FidelityCount

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

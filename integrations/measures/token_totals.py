"""A total: what the span of a run, or of an agent, says that all beneath it has used, in tokens."""

from collections.abc import Iterator, Mapping

from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE, Span
from instrumentation.trace.trace import Trace
from integrations.measures.placement import COMPLETION_TYPES
from scenarios.player.fidelity import FidelityCount

CALL_TYPES = (*COMPLETION_TYPES, "EMBEDDING")
"""Spans whose tokens are those of one call, and no total."""


def count_token_totals(used_tokens: int, trace: Trace) -> FidelityCount:
    """The totals that a trace tells, against the tokens that were used; where it tells none, none.

    Of totals within each other, as a crew's and its agents', the outermost counts.
    """
    told = [total for root in trace.roots for total in _outermost_totals(root)]
    return FidelityCount(used_tokens if told else 0, sum(told))


def _outermost_totals(span: Span) -> Iterator[int]:
    own = 0 if span.type in CALL_TYPES else _token_total(span)
    if own:
        yield own
        return
    for child in span.children:
        yield from _outermost_totals(child)


def _token_total(span: Span) -> int:
    """From its attributes; or from its outputs, where a crew of CrewAI puts its `token_usage`."""
    outputs = span.outputs if isinstance(span.outputs, Mapping) else {}
    for told in (span.attributes.get(TOKEN_USAGE_ATTRIBUTE), outputs.get("token_usage")):
        if isinstance(told, Mapping) and told.get("total_tokens"):
            return int(told["total_tokens"])
    return span.tokens.total

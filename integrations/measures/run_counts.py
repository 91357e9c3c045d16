"""Count what a trace records of a case run, measure by measure, against what happened."""

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields

from instrumentation.trace.span import (
    COMPLETION_TYPES,
    SENDER_ATTRIBUTE,
    TOKEN_USAGE_ATTRIBUTE,
    Span,
)
from instrumentation.trace.trace import Trace
from integrations.measures.message_counts import (
    count_readable_prompts,
    count_readable_replies,
    distinct_prompts,
    distinct_replies,
)
from integrations.measures.placement import agent_turns, count_placed
from integrations.programs.case_context import API_KEY, TOOL_CREDENTIAL
from integrations.runner.case_run import CaseRun
from scenarios.player.fidelity import FidelityCount

COMPLETION_PATHS = ("/chat/completions", "/responses")
"""How the path of a completion ends."""
RECEIVER_ATTRIBUTE = "flight_recorder.handoff.to_agent"

ERROR_KINDS = {
    "LLM": "completion",
    "CHAT_MODEL": "completion",
    "ATTEMPT": "completion",
    "TOOL": "tool",
}
"""What failed, by the type of the span in which the error began. In a span of any other type it may
be either."""

SINGLE_CALL_TYPES = (*COMPLETION_TYPES, "EMBEDDING")
"""Types of spans whose tokens are those of one call, and not a total."""


@dataclass(frozen=True)
class RunCounts:
    """One count per measure: how often something happened, and how often it was recorded.

    `MEASURE_MEANINGS`, in `reports/fidelity_page.py`, says what each one counts.
    """

    completions: FidelityCount
    tools: FidelityCount
    turns: FidelityCount
    handoffs: FidelityCount
    errors: FidelityCount
    tokens: FidelityCount
    totals: FidelityCount
    costs: FidelityCount
    placed: FidelityCount
    prompts: FidelityCount
    replies: FidelityCount
    leaks: FidelityCount

    def __iter__(self) -> Iterator[tuple[str, FidelityCount]]:
        for field in fields(self):
            yield field.name, getattr(self, field.name)


MEASURES = tuple(field.name for field in fields(RunCounts))


def count_run(run: CaseRun, trace: Trace) -> RunCounts:
    """Count a run and its trace, which `normalized_trace` has built."""
    requested = [each for each in run.exchanges if each.path.endswith(COMPLETION_PATHS)]
    answered = [each for each in requested if each.succeeded]
    completions = [span for span in trace if span.type in COMPLETION_TYPES]
    succeeded = [span for span in completions if not span.failed]
    failed_tools = sum(bool(tool["raised"]) for tool in run.tools)
    used_tokens = sum(each.input_tokens + each.output_tokens for each in answered)
    prompts, replies = distinct_prompts(requested), distinct_replies(answered)
    return RunCounts(
        completions=FidelityCount(len(answered), len(succeeded)),
        tools=FidelityCount(len(run.tools), len(trace.spans_of_type("TOOL"))),
        turns=_count_matches(run.case.turns, agent_turns(trace, run.case.turns)),
        handoffs=_count_matches(run.case.handoffs, _handoffs(trace)),
        errors=compare_error_counts(len(requested) - len(answered), failed_tools, trace),
        tokens=FidelityCount(used_tokens, sum(span.tokens.total for span in completions)),
        totals=compare_run_token_totals(used_tokens, trace),
        costs=FidelityCount(len(answered), sum(span.cost_usd is not None for span in succeeded)),
        placed=count_placed(
            run.case,
            [each.lane for each in answered],
            [str(tool["agent"]) for tool in run.tools],
            trace,
        ),
        prompts=FidelityCount(len(prompts), count_readable_prompts(prompts, completions)),
        replies=FidelityCount(len(replies), count_readable_replies(replies, completions)),
        leaks=FidelityCount(0, _count_leaks(run)),
    )


def _handoffs(trace: Trace) -> Iterator[tuple[object, object]]:
    """Yield sender and receiver of handoff spans, and of turns that name the agent before them."""
    for span in trace:
        if span.type == "HANDOFF" or SENDER_ATTRIBUTE in span.attributes:
            yield span.attributes.get(SENDER_ATTRIBUTE), span.attributes.get(RECEIVER_ATTRIBUTE)


def _count_matches(happened: Iterable[Hashable], recorded: Iterable[Hashable]) -> FidelityCount:
    """Count what was recorded of what happened; if that is all of it, count the excess as well."""
    expected, found = Counter(happened), Counter(recorded)
    matched = (expected & found).total()
    return FidelityCount(expected.total(), matched if matched < expected.total() else found.total())


def _count_leaks(run: CaseRun) -> int:
    """Count the spans and the trace records that contain a secret."""
    spans = [span for trace in run.traces for span in trace["data"]["spans"]]
    infos = [trace["info"] for trace in run.traces]
    records = (json.dumps(each, default=str) for each in (*spans, *run.spans, *infos))
    return sum(API_KEY in text or TOOL_CREDENTIAL in text for text in records)


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

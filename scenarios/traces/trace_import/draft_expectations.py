"""Draft the expectations of a run from its trace: outcome, turns, handoffs and tool calls.

A draft says what happened, not what matters: a person removes what may change, and adds what must
not. Only expectations that hold for the trace itself are drafted. The draft of a regression test is
the opposite: it says what should have happened instead.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Trace, TraceNotFoundError
from scenarios import expectations
from scenarios.expectations import Expectation
from scenarios.expectations.calls.tools import spans_of

OUTCOME_ATTRIBUTE = "flight_recorder.workflow.outcome"


@dataclass(frozen=True)
class Draft:
    """A call of a function of `scenarios.expectations`, as source text and as an object."""

    function: str
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [repr_text(one) for one in self.arguments]
        parts += [f"{name}={repr_text(value)}" for name, value in self.options.items()]
        return f"{self.function}({', '.join(parts)})"

    def build(self) -> Expectation:
        expectation: Expectation = getattr(expectations, self.function)(
            *self.arguments, **self.options
        )
        return expectation


def draft_expectations(trace: Trace) -> tuple[Draft, ...]:
    """Draft what holds for a trace: how it ends, or of several roots, that nothing fails."""
    drafts = {str(draft): draft for draft in _drafts(trace)}
    return tuple(draft for draft in drafts.values() if _holds(draft, trace))


def draft_regression(trace: Trace, words: Sequence[str] = ()) -> tuple[Draft, ...]:
    """Draft what should hold for a better run than this one: at least one does not hold for it.

    Args:
        words: Texts that a right answer contains.

    Raises:
        TraceNotFoundError: Nothing in the trace, and no word, says what went wrong.
    """
    drafts = [Draft("ends_with_status", ("OK",))]
    modes = dict.fromkeys(finding.mode for finding in diagnose(trace).findings)
    drafts += [Draft("avoids_failure", (mode,)) for mode in modes]
    drafts += [Draft("output_contains", (re.escape(one),)) for one in dict.fromkeys(words)]
    if all(_holds(draft, trace) for draft in drafts):
        raise TraceNotFoundError(
            "the trace does not say what should have happened instead: it ends with OK, the"
            " diagnosis finds nothing, and no label says which words are missing. Log one:"
            ' mlflow.log_expectation(trace_id=…, name="answer_contains", value="…")'
        )
    return tuple(drafts)


def _holds(draft: Draft, trace: Trace) -> bool:
    return draft.build().explain_failure(trace) is None


def _drafts(trace: Trace) -> Iterator[Draft]:
    roots = trace.roots
    if len(roots) > 1 and trace.session is None:  # such as a program that calls in threads
        yield Draft("leaves_traces", (len(roots),))
    else:
        yield Draft("ends_with_status", (roots[-1].status,))
    outcome = roots[-1].attributes.get(OUTCOME_ATTRIBUTE)
    if trace.session is not None:
        user = {"user": trace.session.user} if trace.session.user else {}
        yield Draft("is_one_session", options={"turns": len(roots), **user})
    if outcome and (trace.session or len(roots) == 1):
        each = "each_turn_reaches_outcome" if trace.session else "reaches_outcome"
        yield Draft(each, (str(outcome),))
    for agent in trace.agents:
        yield Draft("takes_turns", (agent, len(trace.turns(agent))))
    yield from _handoff_drafts(trace)
    for agent in trace.agents:
        tools = spans_of(trace, agent, "TOOL")
        for tool, times in sorted(Counter(span.name for span in tools).items()):
            yield Draft("calls_tool", (agent, tool), {"times": times})


def _handoff_drafts(trace: Trace) -> Iterator[Draft]:
    pairs = Counter(
        (
            str(span.attributes.get("flight_recorder.handoff.from_agent")),
            str(span.attributes.get("flight_recorder.handoff.to_agent")),
        )
        for span in trace.spans_of_type("HANDOFF")
    )
    for pair, times in pairs.items():
        yield Draft("hands_off", pair, {"times": times} if times > 1 else {})
        yield Draft("loses_handoff", pair)


def repr_text(value: Any) -> str:
    """A Python literal; a text in double quotes, as the formatter writes it."""
    if not isinstance(value, str) or '"' in value:
        return repr(value)
    return f'"{repr(value)[1:-1]}"' if repr(value).startswith("'") else repr(value)

"""Fidelity: how much of what really happened the trace records, counted against the ledger."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.replay.ledger import Exchange, Ledger
from scenarios.tape.request import COMPLETION_PATHS


@dataclass(frozen=True)
class FidelityCount:
    """How often a thing happened, by the ledger, and how often the trace says that it did."""

    ledger: int
    trace: int

    @property
    def is_equal(self) -> bool:
        return self.ledger == self.trace


@dataclass(frozen=True)
class Fidelity:
    """One count for each kind of thing that a trace must not lack, and must not double.

    `llm_calls` are HTTP attempts at a completion, answered or not; `errors` are those that failed,
    and such attempts at an outside service;
    `agents` are lanes all of whose calls stand inside turns of the agent that made them.
    """

    llm_calls: FidelityCount
    tool_calls: FidelityCount
    tokens: FidelityCount
    agents: FidelityCount
    errors: FidelityCount

    @property
    def is_complete(self) -> bool:
        return all(count.is_equal for _, count in self)

    def __iter__(self) -> Iterator[tuple[str, FidelityCount]]:
        for field in fields(self):
            yield field.name, getattr(self, field.name)


def measure_fidelity(ledger: Ledger, trace: Trace) -> Fidelity:
    """Count what the replay server served, and what the trace says of it."""
    served = [e for e in ledger.exchanges if e.path.endswith(COMPLETION_PATHS)]
    completions = trace.spans_of_type("LLM")
    lanes = Counter(exchange.lane for exchange in served)
    placed = _calls_by_turn(trace)
    return Fidelity(
        llm_calls=FidelityCount(len(served), sum(map(_count_attempts, completions))),
        tool_calls=FidelityCount(
            sum(e.tool_calls for e in served), len(trace.spans_of_type("TOOL"))
        ),
        tokens=FidelityCount(
            sum(e.input_tokens + e.output_tokens for e in served),
            sum(span.tokens.total for span in completions),
        ),
        agents=FidelityCount(
            len(lanes), sum(placed[lane] == calls for lane, calls in lanes.items())
        ),
        errors=FidelityCount(sum(map(_has_failed, ledger.exchanges)), _count_failures(trace)),
    )


def _has_failed(exchange: Exchange) -> bool:
    return not (exchange.delivered and exchange.status is not None and exchange.status < 400)


def _count_attempts(completion: Span) -> int:
    """How many attempts a completion took. A span that does not count them stands for one."""
    return int(completion.attributes.get("flight_recorder.http.attempts", 1))


def _count_completion_failures(completion: Span) -> int:
    """Failed attempts; an answer that came whole and could not be used is one, too."""
    attempts = sum(span.type == "ATTEMPT" for span in completion)
    return attempts or int(completion.failed)


def _count_failures(trace: Trace) -> int:
    """Failures of completions, and failed attempts of whatever else asked something."""
    completions = trace.spans_of_type("LLM")
    theirs = sum(span.type == "ATTEMPT" for completion in completions for span in completion)
    others = len(trace.spans_of_type("ATTEMPT")) - theirs
    return sum(map(_count_completion_failures, completions)) + others


def _calls_by_turn(trace: Trace) -> Counter[str]:
    calls: Counter[str] = Counter()

    def walk(span: Span, agent: str | None) -> None:
        if span.type == "AGENT":
            agent = span.agent
        if span.type == "LLM" and agent:
            calls[agent] += _count_attempts(span)
        for child in span.children:
            walk(child, agent)

    for root in trace.roots:
        walk(root, None)
    return calls

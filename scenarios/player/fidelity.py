"""Measure fidelity: count calls, tokens, agents and errors in the ledger and in the trace."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields

from instrumentation.trace import Span, Trace
from scenarios.replay.ledger import Ledger
from scenarios.tape.requests.request import COMPLETION_PATHS

CODE_LANGUAGES_ATTRIBUTE = "flight_recorder.code.languages"
"""The attribute of an execution of code, which a model writes into its text: no tool call."""


@dataclass(frozen=True)
class FidelityCount:
    """How often something happened by the ledger, and how often by the trace."""

    ledger: int
    trace: int

    @property
    def is_equal(self) -> bool:
        return self.ledger == self.trace

    def __str__(self) -> str:
        return f"{self.trace} of {self.ledger}"


@dataclass(frozen=True)
class Fidelity:
    """One count for each kind of event that a trace must record exactly once.

    Attributes:
        llm_calls: HTTP attempts at completions, answered or not.
        tool_calls: Tool calls that models asked for.
        tokens: Input and output tokens.
        agents: Lanes all of whose calls are inside turns of the agent that made them.
        errors: Failed attempts at completions and at services.
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
    """Count events in the ledger and in the trace."""
    served = [one for one in ledger.exchanges if one.path.endswith(COMPLETION_PATHS)]
    completions = trace.spans_of_type("LLM")
    lanes = Counter(exchange.lane for exchange in served)
    calls_by_agent = _calls_by_agent(trace)
    return Fidelity(
        llm_calls=FidelityCount(len(served), sum(map(_count_attempts, completions))),
        tool_calls=FidelityCount(
            sum(one.tool_calls for one in served),
            sum(
                CODE_LANGUAGES_ATTRIBUTE not in span.attributes
                for span in trace.spans_of_type("TOOL")
            ),
        ),
        tokens=FidelityCount(
            sum(one.input_tokens + one.output_tokens for one in served),
            sum(span.tokens.total for span in completions),
        ),
        agents=FidelityCount(
            len(lanes), sum(calls_by_agent[lane] == calls for lane, calls in lanes.items())
        ),
        errors=FidelityCount(
            sum(not one.succeeded for one in ledger.exchanges), _count_failures(trace)
        ),
    )


def _count_attempts(completion: Span) -> int:
    """How many HTTP attempts a completion took; 1 if its span does not say."""
    return int(completion.attributes.get("flight_recorder.http.attempts", 1))


def _count_completion_failures(completion: Span) -> int:
    """Failed attempts, or 1 for a complete reply that could not be used."""
    attempts = sum(span.type == "ATTEMPT" for span in completion)
    return attempts or int(completion.failed)


def _count_failures(trace: Trace) -> int:
    """Failures of completions, and failed attempts outside of completions."""
    completions = trace.spans_of_type("LLM")
    inside = sum(span.type == "ATTEMPT" for completion in completions for span in completion)
    outside = len(trace.spans_of_type("ATTEMPT")) - inside
    return sum(map(_count_completion_failures, completions)) + outside


def _calls_by_agent(trace: Trace) -> Counter[str]:
    """The attempts at completions inside each agent's turns."""
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

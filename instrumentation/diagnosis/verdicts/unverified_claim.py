"""No verification: an agent calls its result verified, and has called none of its tools."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.lexicon import SPOKEN_CHECK, VERIFIED
from instrumentation.diagnosis.reading.span_values import as_list
from instrumentation.diagnosis.reading.texts import iter_fields, sentence_keys
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "no or incomplete verification"
FIX = "Let a guardrail demand the check's own result; do not believe a field that the model wrote."
AGENT_TOOLS_ATTRIBUTE = "flight_recorder.crew.agent.tools"


def find_unverified_claims(reading: TraceReading) -> Iterator[Finding]:
    """Yield turns with tools that call none, and yet claim a check, in a field or in words."""
    index = reading.index
    answer = sentence_keys(index.answer)
    callers: set[str | None] = set()
    for turn in index.turns:
        completions = index.completions_of(turn)
        claim = _claim(turn) or _spoken_claim(reading, turn, callers)
        callers |= {turn.agent} if index.calls_of(turn) else set()
        tools = [str(tool) for tool in as_list(turn.attributes.get(AGENT_TOOLS_ATTRIBUTE))]
        tools += [tool for one in completions for tool in one.tools]
        if claim is None or not tools or index.calls_of(turn):
            continue
        if any(inner.type == "AGENT" for inner in turn if inner is not turn):
            continue  # another agent, inside the turn, may have checked
        if not sentence_keys(reading.flow.output(turn)) & answer:
            continue  # a later version replaced it
        yield reading.build_finding(
            MODE,
            completions[-1].span if completions else turn,
            FIX,
            0.9,
            quote(turn, turn.outputs, f"it claims a check: {claim}"),
            quote(turn, ", ".join(dict.fromkeys(tools)), "none of these tools was called"),
        )


def _spoken_claim(reading: TraceReading, turn: Span, callers: set[str | None]) -> str | None:
    """The words by which an agent claims to have checked, if it has never called a tool."""
    match = None if turn.agent in callers else SPOKEN_CHECK.search(reading.flow.output(turn))
    return match.group() if match else None


def _claim(turn: Span) -> str | None:
    """The name of a field by which an output claims to be checked."""
    names = (name for name, value in iter_fields(turn.outputs) if value is True)
    return next(filter(VERIFIED.fullmatch, names), None)

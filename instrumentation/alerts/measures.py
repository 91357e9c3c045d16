"""The measures of alert rules: latency, failures, tokens, cost, repeats and handoff share.

The score of a handoff counts only verbatim text. But a receiver may get a summary that another
agent has made; then it misses nothing, although its prompt contains nothing in the sender's words.
So for text that did not arrive verbatim, its single words are looked up in the prompt.

Most successful runs repeat steps. So only the last results count: polling until the result changes
is not a loop, nor is a retry that succeeds in the end. Calls are counted within one turn: an agent
with three tasks may look up the same thing for each.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.alerts.measurement import MeasuredSpan, Measurement, iter_measured_spans
from instrumentation.trace.canonical_json import mask_volatile_ids
from instrumentation.trace.span import IN_PROGRESS, SENDER_ATTRIBUTE, Span

Formatter = Callable[[float], str]
MAX_ERROR_CHARS = 160
"""Longer error messages are truncated."""

WORD_PATTERN = re.compile(r"\d+(?:[.,]\d+)*|\w+")
"""A word, or a number with its decimals."""
MIN_WORD_CHARS = 4
"""Two texts may share shorter words by chance."""


@dataclass(frozen=True)
class Measure:
    """How to measure a trace. Exactly one of the two functions is given.

    Attributes:
        format: Formats a value for people.
        measure_unit: Measures one unit; returns None if the trace has no data for it.
        measure_run: Measures a whole run, and finds what to measure itself.
    """

    format: Formatter
    measure_unit: Callable[[MeasuredSpan], Measurement | None] | None = None
    measure_run: Callable[[Span], Iterator[Measurement]] | None = None

    def readings(self, root: Span, kind: str) -> Iterator[Measurement]:
        """All measurements of a run; with `measure_unit`, those of units of this kind."""
        if self.measure_run:
            yield from self.measure_run(root)
        elif measure := self.measure_unit:
            units = (unit for unit in iter_measured_spans(root) if unit.kind == kind)
            measured = (measure(unit) for unit in units)
            yield from (measurement for measurement in measured if measurement is not None)


def measure_latency(unit: MeasuredSpan) -> Measurement | None:
    """The duration in milliseconds. A trace that was read from JSON has none."""
    span = unit.span
    if not span.end_ns:
        return None
    latency_ms = (span.end_ns - span.start_ns) / 1e6
    return Measurement(latency_ms, span, unit.agent, f"{unit} took {latency_ms:,.0f} ms")


def measure_failure(unit: MeasuredSpan) -> Measurement:
    """1 if the unit ended in an error, or if it or a span inside it never ended; else 0."""
    span = next((inner for inner in unit.span if inner.status == IN_PROGRESS), unit.span)
    error = span.status_message.strip()
    reason = f": {error.splitlines()[0][:MAX_ERROR_CHARS]}" if error else ""
    place = f" in {span.name}" if span is not unit.span else ""
    message = f"{unit} failed{place}{reason}" if span.failed else f"{unit} did not fail"
    return Measurement(float(span.failed), span, unit.agent, message)


def measure_tokens(unit: MeasuredSpan) -> Measurement | None:
    """Input and output tokens of all completions; None if no endpoint reported any."""
    counts = [span.tokens.total for span in _token_spans(unit.span)]
    if not counts:
        return None
    return Measurement(sum(counts), unit.span, unit.agent, f"{unit} used {sum(counts):,} tokens")


def measure_cost(unit: MeasuredSpan) -> Measurement | None:
    """US dollars by MLflow's price list; None if the model of one completion has no price."""
    costs = [span.cost_usd for span in _token_spans(unit.span)]
    known = [usd for usd in costs if usd is not None]
    if not known or len(known) < len(costs):
        return None
    return Measurement(sum(known), unit.span, unit.agent, f"{unit} cost ${sum(known):,.4f}")


def _token_spans(span: Span) -> Iterator[Span]:
    """The outermost spans that report tokens: spans inside them report the same tokens again."""
    remaining = [span]
    while remaining:
        inner = remaining.pop()
        if inner.tokens.total:
            yield inner
        else:
            remaining += inner.children


def _format_percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def measure_handoff_arrival(root: Span) -> Iterator[Measurement]:
    """For each handoff, the share of the output that arrived, from 0.0 to 1.0."""
    spans = list(root)
    for index, span in enumerate(spans):
        handoff = span.attributes
        score = handoff.get("flight_recorder.handoff.efficiency_score")
        if span.type == "HANDOFF" and isinstance(score, int | float) and 0 <= score <= 1:
            share = _arrived_share(score, handoff, spans[index + 1 :])
            sender = str(handoff.get(SENDER_ATTRIBUTE))
            receiver = str(handoff.get("flight_recorder.handoff.to_agent"))
            message = f"of the output of {sender}, {share:.0%} reached {receiver}"
            yield Measurement(share, span, receiver, message)


def _arrived_share(score: float, handoff: Mapping[str, Any], later_spans: Sequence[Span]) -> float:
    dropped = _significant_words(handoff.get("flight_recorder.handoff.dropped", ""))
    if score == 1.0 or not dropped:
        return float(score)
    receiver = str(handoff.get("flight_recorder.handoff.to_agent"))
    prompt = _significant_words(_receiver_prompt(receiver, later_spans))
    return score + (1.0 - score) * len(dropped & prompt) / len(dropped)


def _receiver_prompt(receiver: str, later_spans: Sequence[Span]) -> Any:
    """The inputs of the first completion in the receiver's next turn; None if there is none."""
    turns = (span for span in later_spans if span.type == "AGENT" and span.agent == receiver)
    prompts = (span.inputs for span in next(turns, ()) if span.type == "LLM")
    return next(prompts, None)


def _significant_words(text: Any) -> set[str]:
    """Long words, and numbers."""
    text = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, default=str)
    words = (word.lower() for word in WORD_PATTERN.findall(text))
    return {word for word in words if len(word) >= MIN_WORD_CHARS or word[0].isdigit()}


def measure_repeats(root: Span) -> Iterator[Measurement]:
    """For each turn and tool call, how often in a row it last had the same inputs and result.

    A span without inputs and outputs is skipped, because nothing shows that it is a repetition.
    """
    last_results: dict[tuple[object, ...], tuple[str, int, MeasuredSpan]] = {}
    for unit in iter_measured_spans(root):
        span = unit.span
        if unit.kind not in ("turn", "call") or (span.inputs, span.outputs) == (None, None):
            continue
        turn_id = id(unit.turn) if unit.kind == "call" else None
        step = (turn_id, unit.kind, span.name, unit.agent, _to_json(span.inputs))
        result = mask_volatile_ids(f"{span.status_message} {_to_json(span.outputs)}")
        previous, count, _ = last_results.get(step, (result, 0, unit))
        last_results[step] = (result, count + 1 if result == previous else 1, unit)
    for _, count, unit in last_results.values():
        yield Measurement(count, unit.span, unit.agent, _message(unit, count))


def _message(unit: MeasuredSpan, count: int) -> str:
    if unit.kind == "turn":
        return f"{unit.agent} took the same turn {count} times, with the same result"
    caller = unit.agent or "somebody"
    return f"{caller} called {unit.span.name} {count} times, alike and with the same result"


def _to_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


MEASURES: Mapping[str, Measure] = {
    "latency_ms": Measure("{:,.0f} ms".format, measure_latency),
    "failed": Measure(_format_percent, measure_failure),
    "tokens": Measure("{:,.0f} tokens".format, measure_tokens),
    "cost_usd": Measure("${:,.4f}".format, measure_cost),
    "repeats": Measure("{:,.0f} times".format, measure_run=measure_repeats),
    "handoff_share": Measure(_format_percent, measure_run=measure_handoff_arrival),
}

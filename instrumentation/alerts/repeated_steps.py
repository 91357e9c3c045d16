"""Count how often an agent repeated the same turn or tool call with the same result.

Most successful runs repeat steps. So only the last results count: polling until the result changes
is not a loop, nor is a retry that succeeds in the end. Calls are counted within one turn: an agent
with three tasks may look up the same thing for each.
"""

import json
from collections.abc import Iterator
from typing import Any

from instrumentation.alerts.measurement import MeasuredSpan, Measurement, iter_measured_spans
from instrumentation.trace.canonical_json import mask_volatile_ids
from instrumentation.trace.span import Span


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

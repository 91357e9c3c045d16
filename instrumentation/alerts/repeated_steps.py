"""A loop: the same step, taken again and again, that came to the same each time.

Repetition by itself is benign in most runs that succeed. So only the last results count: a poll
that ends in another one, or a retry that succeeds in the end, was worth it. And calls are counted
within one turn: an agent that has three tasks may look the same thing up for each.
"""

import json
from collections.abc import Iterator
from typing import Any

from instrumentation.alerts.measured_unit import MeasuredUnit, iter_units
from instrumentation.alerts.reading import Reading
from instrumentation.trace.canonical_json import mask_volatile_ids
from instrumentation.trace.span import Span


def measure_repeats(root: Span) -> Iterator[Reading]:
    """For each turn and each call, asked for in the same words, how often it came to the same in a
    row at last. One of which neither is recorded is passed over: nothing says that it is the same.
    """
    seen: dict[tuple[object, ...], tuple[str, int, MeasuredUnit]] = {}
    for unit in iter_units(root):
        span = unit.span
        if unit.kind not in ("turn", "call") or (span.inputs, span.outputs) == (None, None):
            continue
        within = id(unit.turn) if unit.kind == "call" else None
        step = (within, unit.kind, span.name, unit.agent, _to_json(span.inputs))
        came = mask_volatile_ids(f"{span.status_message} {_to_json(span.outputs)}")
        before, times, _ = seen.get(step, (came, 0, unit))
        seen[step] = (came, times + 1 if came == before else 1, unit)
    for _, times, unit in seen.values():
        yield Reading(times, unit.span, unit.agent, _message(unit, times))


def _message(unit: MeasuredUnit, times: int) -> str:
    if unit.kind == "turn":
        return f"{unit.agent} took the same turn {times} times, with the same result"
    caller = unit.agent or "somebody"
    return f"{caller} called {unit.span.name} {times} times, alike and with the same result"


def _to_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)

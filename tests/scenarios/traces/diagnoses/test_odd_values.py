"""Whatever another program wrote into its spans, a diagnosis does not raise an error."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Span, Trace
from instrumentation.trace.canonical_json import load_trace
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names

FAILURES = [name for name in scenario_names() if load_scenario(name).broken]
ODD_VALUES: tuple[Any, ...] = (
    *(None, "", 0, 3.5, True, float("nan"), "text 5 %", [], {}, ["a", 1, None]),
    *({"content": 5}, {"messages": [1, None, "a"]}, {"tools": ["a", 1]}, {"tools": 5}),
    *({"choices": [1]}, {"choices": "x"}, {"value": {}}, [[{"role": 1}]]),
    {"choices": [{"message": {"content": [{"text": "a"}, 1], "tool_calls": [{"function": 1}]}}]},
    {"messages": [{"role": "a", "content": None, "tool_calls": 5}]},
)
SHARE = 0.15
"""The share of values that are replaced."""


@pytest.mark.parametrize("name", FAILURES)
def test_odd_values_raise_no_error(name: str) -> None:
    trace = load_trace(scenario_folder(name).recorded_trace("broken"))
    random = Random(name)
    for _ in range(5):
        diagnose(Trace(tuple(_with_odd_values(root, random) for root in trace.roots)))


def _with_odd_values(span: Span, random: Random) -> Span:
    def replace_some(value: Any) -> Any:
        return random.choice(ODD_VALUES) if random.random() < SHARE else value

    return replace(
        span,
        inputs=replace_some(span.inputs),
        outputs=replace_some(span.outputs),
        attributes={name: replace_some(value) for name, value in span.attributes.items()},
        children=tuple(_with_odd_values(child, random) for child in span.children),
    )

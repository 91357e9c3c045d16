"""The bench of the fan-out: what it prints was measured."""

import pytest

from tests.bench_fanout import DELAY_S, measured

pytestmark = pytest.mark.long


def test_a_fan_takes_as_long_as_its_slowest_branch_and_a_little_more(store: str) -> None:
    figures = measured(store, fans=(2,), rounds=1, pairs=1)
    # The team; two turns, each with two completions and a tool call, and the measurement that they
    # share; two handoffs; the verdict's turn, with its completion.
    assert figures["2 specialists: spans"] == 1 + 2 * 4 + 1 + 2 + 2
    assert figures["2 specialists: slowest branch: s"] >= 2 * DELAY_S
    assert figures["2 specialists: traced: wall / slowest branch"] >= 1.0
    assert figures["2 specialists: untraced: wall s"] < 4 * DELAY_S
    assert "2 specialists: tracing, stored: CPU ms" in figures

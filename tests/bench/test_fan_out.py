"""The benchmark of the fan-out reports measured times and the right number of spans."""

import pytest

from tests.bench.fan_out import DELAY_S, run_benchmark

pytestmark = pytest.mark.long


def test_a_fan_out_takes_little_longer_than_its_slowest_branch(store: str) -> None:
    figures = run_benchmark(store, fans=(2,), rounds=1, pairs=1)
    # The root and the team; two turns, each with two completions and a tool call, and the
    # measurement that they share; two handoffs; the verdict's turn, with its completion.
    assert figures["2 specialists: spans"] == 2 + 2 * 4 + 1 + 2 + 2
    assert figures["2 specialists: slowest branch: s"] >= 2 * DELAY_S
    assert figures["2 specialists: traced: wall / slowest branch"] >= 1.0
    assert figures["2 specialists: untraced: wall s"] < 4 * DELAY_S
    assert "2 specialists: tracing, stored: CPU ms" in figures

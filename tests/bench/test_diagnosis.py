"""The time of a diagnosis grows with the number of spans, not with its square."""

import pytest

from instrumentation.diagnosis import diagnose
from tests.bench.diagnosis import build_trace, measure_cpu_s

SMALL, LARGE = 2_000, 20_000
MAX_RATIO = 20
"""A quadratic diagnosis would take a hundred times as long for ten times the spans."""


@pytest.mark.long
@pytest.mark.parametrize("lost_every", [0, 10], ids=["a healthy run", "a run with lost handoffs"])
def test_ten_times_the_spans_take_about_ten_times_as_long(lost_every: int) -> None:
    small, large = (build_trace(size, lost_every=lost_every) for size in (SMALL, LARGE))
    assert bool(diagnose(small).findings) is bool(lost_every)
    fastest_s = min(measure_cpu_s(small) for _ in range(3))
    assert measure_cpu_s(large) < MAX_RATIO * fastest_s

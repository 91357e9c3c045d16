"""The instrumentors' bench: that it measures, and what it counts. No test asserts a time."""

import pytest

from integrations.instrumentors.registry import INSTRUMENTORS
from tests.bench_instrumentors import Figures, measured

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def figures() -> Figures:
    plain, _, ours, *_ = INSTRUMENTORS
    return measured("openai", rounds=1, columns=[plain, ours])


def test_each_instrumentor_of_the_lock_is_measured(figures: Figures) -> None:
    named = {figure.partition(":")[0] for figure in figures}
    assert named >= {"uninstrumented", "plain autolog", "ours"}


def test_what_is_recorded_is_kept(figures: Figures) -> None:
    assert float(figures["ours: spans"]) > 0
    assert float(figures["ours: kB kept"]) > 1


def test_the_cpu_of_a_round_is_counted(figures: Figures) -> None:
    assert float(figures["uninstrumented: CPU ms a run"]) > 0
    assert float(figures["ours: CPU / none"]) > 0

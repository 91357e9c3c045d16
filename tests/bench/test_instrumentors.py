"""The benchmark of the instrumentors measures CPU time and storage. No test asserts a time."""

import pytest

from integrations.instrumentors.registry import INSTRUMENTORS_BY_NAME, OURS, PLAIN_AUTOLOG
from tests.bench.instrumentors import Figures, run_benchmark

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def figures() -> Figures:
    chosen = [INSTRUMENTORS_BY_NAME[name] for name in (PLAIN_AUTOLOG, OURS)]
    return run_benchmark("openai", rounds=1, instrumentors=chosen)


def test_each_instrumentor_of_the_project_lock_is_measured(figures: Figures) -> None:
    names = {figure.partition(":")[0] for figure in figures}
    assert names >= {"uninstrumented", "plain autolog", "ours"}


def test_stored_spans_and_bytes_are_counted(figures: Figures) -> None:
    assert float(figures["ours: spans"]) > 0
    assert float(figures["ours: kB kept"]) > 1


def test_the_cpu_time_of_a_round_is_measured(figures: Figures) -> None:
    assert float(figures["uninstrumented: CPU ms a run"]) > 0
    assert float(figures["ours: CPU / none"]) > 0

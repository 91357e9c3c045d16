"""Scenarios with inputs also pass with random inputs, and are diagnosed right.

`make diagnosis-seeds` does it with twenty seeds. Names and prompts are random as well: see
`tests/support/renamed_traces.py`.
"""

import pytest

from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import load_scenario, scenario_names
from tests.support.failure_truth import explain_wrong_diagnoses
from tests.support.renamed_traces import SEEDS, explain_dependence_on_words

pytestmark = pytest.mark.long

ALL_SEEDS = 20
"""From this number on, runs that start service processes get all seeds, although each takes twelve
seconds; else they get two."""
SEEDED = [
    (name, seed)
    for name in scenario_names()
    if load_scenario(name).inputs
    for seed in (
        SEEDS if len(SEEDS) >= ALL_SEEDS or not load_scenario(name).processes else SEEDS[:2]
    )
]


@pytest.mark.parametrize(("name", "seed"), SEEDED)
def test_the_scenario_passes_with_random_inputs(name: str, seed: int, store: str) -> None:
    """It is diagnosed here, too, because running the scenario takes most of the time."""
    verdict = run_scenario(name, store, seed=seed)
    assert verdict.passed, verdict.to_json()
    assert explain_wrong_diagnoses(verdict) == {}
    traces = [result.trace for result in verdict.variants if result.trace]
    assert [reason for one in traces if (reason := explain_dependence_on_words(one, seed))] == []

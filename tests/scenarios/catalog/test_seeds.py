"""Scenarios with inputs also pass with random inputs, and are diagnosed right."""

import os

import pytest

from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import load_scenario, scenario_names
from tests.support.failure_truth import explain_wrong_diagnoses

pytestmark = pytest.mark.long

SEEDS = range(1, 1 + int(os.environ.get("SEEDS", "2")))
"""Two by default; `.ci/run` sets more."""
SEEDED = [
    (name, seed)
    for name in scenario_names()
    if load_scenario(name).inputs
    for seed in (SEEDS[:2] if load_scenario(name).processes else SEEDS)
]
"""A run that starts service processes takes twelve seconds, so it gets two seeds at most."""


@pytest.mark.parametrize(("name", "seed"), SEEDED)
def test_the_scenario_passes_with_random_inputs(name: str, seed: int, store: str) -> None:
    """It is diagnosed here, too, because running the scenario takes most of the time."""
    verdict = run_scenario(name, store, seed=seed)
    assert verdict.passed, verdict.to_json()
    assert explain_wrong_diagnoses(verdict) == {}

"""Every scenario that is about figures holds with others, that are drawn."""

import os

import pytest

from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import load_scenario, scenario_names

pytestmark = pytest.mark.long

SEEDS = range(1, 1 + int(os.environ.get("SEEDS", "2")))
"""Two where somebody waits; `.ci/run` asks for more."""
SEEDED = [
    (name, seed)
    for name in scenario_names()
    if load_scenario(name).inputs
    for seed in (SEEDS[:2] if load_scenario(name).processes else SEEDS)
]
"""A play that starts processes takes twelve seconds; the others take one or two."""


@pytest.mark.parametrize(("name", "seed"), SEEDED)
def test_the_scenario_holds_whatever_its_figures_are(name: str, seed: int, store: str) -> None:
    verdict = run_scenario(name, store, seed=seed)
    assert verdict.passed, verdict.to_json()

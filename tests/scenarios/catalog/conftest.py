"""Starts the services of scenarios in forked processes."""

import sys

import pytest

from scenarios.player.scenario_loader import load_scenario
from tests.support.forks.forking_python import forking_python


@pytest.fixture(autouse=True)
def _fork_services(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a scenario with services start them from a process that has imported MLflow."""
    callspec = getattr(request.node, "callspec", None)
    name = callspec and callspec.params.get("name")
    if name and load_scenario(name).processes:
        monkeypatch.setattr(sys, "executable", forking_python())

"""Starts the services of scenarios in forked processes."""

import sys

import pytest

from scenarios.player.scenario_loader import load_scenario
from tests.support.forks.forking_python import forking_python


@pytest.fixture(autouse=True)
def _fork_services(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test that runs a scenario fork its services from a process with MLflow."""
    callspec = getattr(request.node, "callspec", None)
    name = callspec and callspec.params.get("name")
    if name and "store" in request.fixturenames and load_scenario(name).processes:
        monkeypatch.setattr(sys, "executable", forking_python())

"""Every mend is taken away, and the verdict turns red: it is what makes the difference."""

import dataclasses

import pytest

from scenarios.player import run as player
from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import load_scenario, scenario_names
from scenarios.scenario import variant_with

FAILURES = [name for name in scenario_names() if load_scenario(name).broken]


def _differing(name: str) -> list[tuple[str, object]]:
    """The settings that a failure and its mend do not share."""
    page = load_scenario(name)
    assert page.broken
    assert page.fixed
    shared = page.fixed.settings.items()
    return [setting for setting in page.broken.settings.items() if setting not in shared]


HALVES = [
    (name, setting)
    for name in FAILURES
    if len(_differing(name)) > 1
    for setting, _ in _differing(name)
]
"""The settings of failures that take two mistakes; of one alone, the other test takes it away."""


@pytest.mark.parametrize("name", FAILURES)
def test_without_its_mend_the_verdict_is_red(
    name: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tape is the same for both: only the workflow can make the difference."""
    page = load_scenario(name)
    assert page.broken
    unmended = dataclasses.replace(page, broken=None, fixed=page.broken, twin=None)
    monkeypatch.setattr(player, "load_scenario", lambda _: unmended)
    verdict = run_scenario(name, store)
    assert not verdict.passed
    (fixed,) = verdict.variants
    assert any(not judgement.passed for judgement in fixed.expectation_results)


@pytest.mark.parametrize(("name", "setting"), HALVES)
def test_without_one_of_its_mends_the_verdict_is_red(
    name: str, setting: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two mistakes make a failure, `fixed` proves the mend of each, and not of one alone."""
    page = load_scenario(name)
    assert page.broken
    assert page.fixed
    settings = {**page.fixed.settings, setting: page.broken.settings[setting]}
    half = dataclasses.replace(page.fixed, settings=settings)
    alone = dataclasses.replace(page, broken=None, fixed=half, twin=None)
    monkeypatch.setattr(player, "load_scenario", lambda _: alone)
    (fixed,) = run_scenario(name, store).variants
    assert any(not judgement.passed for judgement in fixed.expectation_results)


@pytest.mark.parametrize("name", ["reviewer_is_ignored", "check_is_never_run", "stream_is_cut"])
def test_with_its_mend_the_broken_variant_is_told_to_be_none(
    name: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = load_scenario(name)
    mended = dataclasses.replace(page, broken=page.fixed, twin=None)
    monkeypatch.setattr(player, "load_scenario", lambda _: mended)
    verdict = run_scenario(name, store)
    assert not verdict.passed
    assert verdict.problems[0].startswith("broken is no longer broken: all that is expected of")


def test_a_refused_completion_of_a_crew_prints_nothing(
    store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """CrewAI pairs its events amiss then, and prints so to stdout, where `run --json` has JSON."""
    name = "quarterly_figure_becomes_annual"
    odd = dataclasses.replace(
        load_scenario(name), fixed=variant_with(reads=lambda _: "nothing of the kind")
    )
    monkeypatch.setattr(player, "load_scenario", lambda _: odd)
    (fixed,) = (seen for seen in run_scenario(name, store).variants if seen.variant == "fixed")
    assert "no line of" in fixed.problems[0]
    assert capsys.readouterr().out == ""

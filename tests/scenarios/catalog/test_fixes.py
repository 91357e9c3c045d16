"""Each scenario's fix is removed, and its verdict turns red: only the fix makes the difference."""

import dataclasses
import inspect
from typing import Any

import pytest

from scenarios.player import run as player
from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from scenarios.player.variant_run import VariantRun
from scenarios.reports.class_diff import differing_members, read_workflow
from scenarios.scenario import Scenario, Variant

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


def _overrides(name: str) -> tuple[str, ...]:
    """The methods and class attributes in which a broken class differs from the fixed one."""
    page, file = load_scenario(name), scenario_folder(name).variants
    assert page.broken
    assert page.fixed
    if page.broken.settings:
        return ()
    broken, fixed = (
        read_workflow(page.workflow, file, str(variant.workflow))
        for variant in (page.broken, page.fixed)
    )
    return tuple(name for name in differing_members(fixed, broken) if fixed.member(name))


OVERRIDE_HALVES = [
    (name, member) for name in FAILURES if len(_overrides(name)) > 1 for member in _overrides(name)
]
"""The overrides of failures that take two mistakes, one by one."""


def _workflow_class(page: Scenario, variant: Variant) -> Any:
    return VariantRun(page, "fixed", variant, (), None).workflow()


@pytest.mark.parametrize(("name", "member"), OVERRIDE_HALVES)
def test_with_only_one_of_two_mistakes_the_fixed_expectations_fail(
    name: str, member: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each half of a fix is necessary: `fixed` proves both."""
    page = load_scenario(name)
    assert page.broken
    assert page.fixed
    broken, fixed = _workflow_class(page, page.broken), _workflow_class(page, page.fixed)
    others = [other for other in _overrides(name) if other != member]
    members = {other: inspect.getattr_static(fixed, other) for other in others}
    half = dataclasses.replace(page.fixed, workflow=type("HalfFixed", (broken,), members))
    alone = dataclasses.replace(page, broken=None, fixed=half, twin=None)
    monkeypatch.setattr(player, "load_scenario", lambda _: alone)
    (fixed_result,) = run_scenario(name, store).variants
    assert any(not result.passed for result in fixed_result.expectation_results)


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
    assert verdict.problems[0].startswith(
        "the broken variant meets all expectations of the fixed one"
    )


def test_a_refused_completion_of_a_crew_prints_nothing(
    store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """CrewAI prints a warning about its events then, and stdout may be the JSON of `run --json`."""
    from workflows.crew_finance import FinanceCrew  # CrewAI: four seconds

    class ReturnsNoFigure(FinanceCrew):
        def read_reply(self, reply: Any) -> str:
            return "nothing of the kind"

    name = "quarterly_figure_becomes_annual"
    changed = dataclasses.replace(load_scenario(name), fixed=Variant(ReturnsNoFigure))
    monkeypatch.setattr(player, "load_scenario", lambda _: changed)
    (fixed,) = (seen for seen in run_scenario(name, store).variants if seen.variant == "fixed")
    assert "no line of" in fixed.problems[0]
    assert capsys.readouterr().out == ""

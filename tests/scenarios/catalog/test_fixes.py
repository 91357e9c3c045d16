"""Each scenario's fix is removed, and its verdict turns red: only the fix makes the difference."""

import dataclasses
import inspect
from typing import Any

import pytest

from scenarios.player import run as player
from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import (
    load_scenario,
    load_workflow,
    scenario_folder,
    scenario_names,
)
from scenarios.player.workflow_source import differing_members, explain_mistakes, read_workflow
from scenarios.scenario import Scenario, Variant

FAILURES = [name for name in scenario_names() if load_scenario(name).broken]


def _overrides(name: str) -> tuple[str, ...]:
    """The methods and class attributes in which the broken class differs from the fixed one."""
    page, file = load_scenario(name), scenario_folder(name).variants
    assert page.broken
    assert page.fixed
    broken, fixed = (
        read_workflow(page.workflow, file, str(variant.workflow))
        for variant in (page.broken, page.fixed)
    )
    return tuple(name for name in differing_members(fixed, broken) if fixed.member(name))


HALVES = [
    (name, member) for name in FAILURES if len(_overrides(name)) > 1 for member in _overrides(name)
]
"""Each override of the failures that take two mistakes."""


def _workflow_class(page: Scenario, variant: Variant) -> Any:
    return load_workflow(page, variant)


@pytest.mark.parametrize(("name", "member"), HALVES)
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
def test_a_broken_class_explains_its_mistake(name: str) -> None:
    page = load_scenario(name)
    assert page.broken
    file = scenario_folder(name).variants
    assert explain_mistakes(read_workflow(page.workflow, file, str(page.broken.workflow)))


@pytest.mark.parametrize("name", FAILURES)
def test_without_its_fix_a_scenario_fails(
    name: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tape is the same for both: only the workflow can make the difference."""
    page = load_scenario(name)
    assert page.broken
    unfixed = dataclasses.replace(page, broken=None, fixed=page.broken, twin=None)
    monkeypatch.setattr(player, "load_scenario", lambda _: unfixed)
    verdict = run_scenario(name, store)
    assert not verdict.passed
    (fixed,) = verdict.variants
    assert any(not result.passed for result in fixed.expectation_results)


@pytest.mark.parametrize("name", ["reviewer_is_ignored", "check_is_never_run", "stream_is_cut"])
def test_a_broken_variant_that_is_fixed_is_reported_as_no_longer_broken(
    name: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = load_scenario(name)
    fixed_page = dataclasses.replace(page, broken=page.fixed, twin=None)
    monkeypatch.setattr(player, "load_scenario", lambda _: fixed_page)
    verdict = run_scenario(name, store)
    assert not verdict.passed
    assert (
        verdict.variants[0]
        .problems[0]
        .startswith("the broken variant meets all expectations of the fixed one")
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
    (fixed,) = (
        result for result in run_scenario(name, store).variants if result.variant == "fixed"
    )
    assert "no line of" in fixed.problems[0]
    assert capsys.readouterr().out == ""

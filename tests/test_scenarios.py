"""Every scenario is played, through the player, and its page keeps what it promises."""

import ast
import dataclasses
import os

import pytest

from instrumentation.canonical import dumps, read
from scenarios import play as player
from scenarios.mark import found
from scenarios.play import play
from scenarios.scenario import given
from scenarios.shelf import folder, load, names
from scenarios.verdict import judged

SEEDS = range(1, 1 + int(os.environ.get("SEEDS", "2")))
"""Two where somebody waits; `.ci/run` asks for twenty."""
FAILURES = [name for name in names() if load(name).broken]


def _differing(name: str) -> list[tuple[str, object]]:
    """The settings that a failure and its mend do not share."""
    page = load(name)
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


@pytest.mark.parametrize("name", names())
def test_the_scenario_passes_and_leaves_what_is_recorded(name: str, store: str) -> None:
    """One test, for one play: that of each scenario takes as long as all the rest of it."""
    verdict = play(name, store)
    assert verdict.passed, verdict.to_json()
    for seen in verdict.variants:
        assert seen.trace is not None
        assert dumps(seen.trace) == folder(name).recorded(seen.variant).read_text("utf-8")


@pytest.mark.parametrize("name", FAILURES)
def test_without_its_mend_the_verdict_is_red(
    name: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tape is the same for both: only the workflow can make the difference."""
    page = load(name)
    assert page.broken
    unmended = dataclasses.replace(page, broken=None, fixed=page.broken, twin=None)
    monkeypatch.setattr(player, "load", lambda _: unmended)
    verdict = play(name, store)
    assert not verdict.passed
    (fixed,) = verdict.variants
    assert any(not judgement.held for judgement in fixed.judgements)


@pytest.mark.parametrize(("name", "setting"), HALVES)
def test_without_one_of_its_mends_the_verdict_is_red(
    name: str, setting: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two mistakes make a failure, `fixed` proves the mend of each, and not of one alone."""
    page = load(name)
    assert page.broken
    assert page.fixed
    settings = {**page.fixed.settings, setting: page.broken.settings[setting]}
    half = dataclasses.replace(page.fixed, settings=settings)
    alone = dataclasses.replace(page, broken=None, fixed=half, twin=None)
    monkeypatch.setattr(player, "load", lambda _: alone)
    (fixed,) = play(name, store).variants
    assert any(not judgement.held for judgement in fixed.judgements)


def test_a_refused_completion_of_a_crew_prints_nothing(
    store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """CrewAI pairs its events amiss then, and prints so to stdout, where `run --json` has JSON."""
    name = "quarterly_figure_becomes_annual"
    odd = dataclasses.replace(load(name), fixed=given(reads=lambda _: "nothing of the kind"))
    monkeypatch.setattr(player, "load", lambda _: odd)
    (fixed,) = (seen for seen in play(name, store).variants if seen.variant == "fixed")
    assert "no line of" in fixed.troubles[0]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", FAILURES)
def test_the_mended_run_does_not_look_broken(name: str) -> None:
    fixed = read(folder(name).recorded("fixed"))
    assert not all(judgement.held for judgement in judged(fixed, load(name).expect_broken))


@pytest.mark.parametrize("name", FAILURES)
def test_no_healthy_run_looks_broken(name: str) -> None:
    """Twins, those of other scenarios among them, do not look as this one does when it fails."""
    page = load(name)
    for other in names():
        if load(other).workflow == page.workflow and load(other).twin:
            healthy = read(folder(other).recorded("twin"))
            assert not all(judgement.held for judgement in judged(healthy, page.expect_broken))
            alarms = [e for e in (*page.expect_broken, *page.expect_fixed) if e.alarming]
            assert not [alarm.says for alarm in alarms if alarm.why_not(healthy) is None], other


SEEDED = [
    (name, seed)
    for name in names()
    if load(name).inputs
    for seed in (SEEDS[:2] if load(name).processes else SEEDS)
]
"""A play that starts processes takes twelve seconds; the others take one or two."""


@pytest.mark.parametrize(("name", "seed"), SEEDED)
def test_the_scenario_holds_whatever_its_figures_are(name: str, seed: int, store: str) -> None:
    verdict = play(name, store, seed=seed)
    assert verdict.passed, verdict.to_json()


@pytest.mark.parametrize("name", FAILURES)
def test_the_page_says_where_it_went_wrong(name: str) -> None:
    page = load(name)
    assert page.origin
    assert found(read(folder(name).recorded("broken")), page.origin)


def test_ground_truth_is_not_in_the_trace() -> None:
    for name in FAILURES:
        text = folder(name).recorded("broken").read_text("utf-8")
        assert "origin" not in text
        assert load(name).mode not in text


def test_pages_are_data() -> None:
    """A page has no `if` and no loop at its top: a reviewer reads it once, from top to bottom."""
    for name in names():
        body = ast.parse(folder(name).page.read_text("utf-8")).body
        kinds = {type(node) for node in body}
        assert not kinds & {ast.For, ast.While, ast.Try, ast.With}, name
        tests = [ast.unparse(node.test) for node in body if isinstance(node, ast.If)]
        assert set(tests) <= {"TYPE_CHECKING"}, name

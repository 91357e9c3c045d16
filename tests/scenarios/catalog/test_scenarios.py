"""Every scenario is played, through the player, and its page keeps what it promises."""

import ast

import pytest

from instrumentation.trace.canonical_json import dump_trace, load_trace
from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from scenarios.player.verdict import evaluate
from scenarios.reports.origin_marker import find_origin_span

FAILURES = [name for name in scenario_names() if load_scenario(name).broken]


@pytest.mark.parametrize("name", scenario_names())
def test_the_scenario_passes_and_leaves_what_is_recorded(name: str, store: str) -> None:
    """One test, for one play: that of each scenario takes as long as all the rest of it."""
    verdict = run_scenario(name, store)
    assert verdict.passed, verdict.to_json()
    for seen in verdict.variants:
        assert seen.trace is not None
        assert dump_trace(seen.trace) == scenario_folder(name).recorded_trace(
            seen.variant
        ).read_text("utf-8")


@pytest.mark.parametrize("name", FAILURES)
def test_the_mended_run_does_not_look_broken(name: str) -> None:
    fixed = load_trace(scenario_folder(name).recorded_trace("fixed"))
    assert not all(
        judgement.passed for judgement in evaluate(fixed, load_scenario(name).expect_broken)
    )


@pytest.mark.parametrize("name", FAILURES)
def test_no_healthy_run_looks_broken(name: str) -> None:
    """Twins, those of other scenarios among them, do not look as this one does when it fails."""
    page = load_scenario(name)
    for other in scenario_names():
        if load_scenario(other).workflow == page.workflow and load_scenario(other).twin:
            healthy = load_trace(scenario_folder(other).recorded_trace("twin"))
            assert not all(judgement.passed for judgement in evaluate(healthy, page.expect_broken))
            alarms = [e for e in (*page.expect_broken, *page.expect_fixed) if e.signals_failure]
            assert not [
                alarm.description for alarm in alarms if alarm.explain_failure(healthy) is None
            ], other


@pytest.mark.parametrize("name", FAILURES)
def test_the_page_says_where_it_went_wrong(name: str) -> None:
    page = load_scenario(name)
    assert page.origin
    assert find_origin_span(load_trace(scenario_folder(name).recorded_trace("broken")), page.origin)


def test_ground_truth_is_not_in_the_trace() -> None:
    for name in FAILURES:
        text = scenario_folder(name).recorded_trace("broken").read_text("utf-8")
        assert "origin" not in text
        assert load_scenario(name).failure_mode not in text


def test_pages_are_data() -> None:
    """A page has no `if` and no loop at its top: a reviewer reads it once, from top to bottom."""
    for name in scenario_names():
        body = ast.parse(scenario_folder(name).page.read_text("utf-8")).body
        kinds = {type(node) for node in body}
        assert not kinds & {ast.For, ast.While, ast.Try, ast.With}, name
        tests = [ast.unparse(node.test) for node in body if isinstance(node, ast.If)]
        assert set(tests) <= {"TYPE_CHECKING"}, name

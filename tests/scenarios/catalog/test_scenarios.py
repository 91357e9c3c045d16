"""Every scenario passes, leaves its recorded traces, and its page keeps the rules."""

import ast
import re
from functools import cache

import pytest

from instrumentation.trace import Trace
from instrumentation.trace.canonical_json import dump_trace, load_trace
from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from scenarios.player.verdict import evaluate
from scenarios.reports.origin_marker import find_origin_span
from tests.support.failure_truth import explain_wrong_diagnoses

FAILURES = [name for name in scenario_names() if load_scenario(name).broken]


@cache
def recorded_trace(name: str, variant: str) -> Trace:
    """A trace that several tests read."""
    return load_trace(scenario_folder(name).recorded_trace(variant))


@pytest.mark.parametrize("name", scenario_names())
def test_the_scenario_passes_leaves_its_recorded_traces_and_is_diagnosed(
    name: str, store: str
) -> None:
    """All in one test, because running the scenario takes most of the time."""
    verdict = run_scenario(name, store)
    assert verdict.passed, verdict.to_json()
    assert explain_wrong_diagnoses(verdict) == {}
    for result in verdict.variants:
        assert result.trace is not None
        assert dump_trace(result.trace) == scenario_folder(name).recorded_trace(
            result.variant
        ).read_text("utf-8")


@pytest.mark.parametrize("name", FAILURES)
def test_the_fixed_run_does_not_meet_the_expectations_of_broken(name: str) -> None:
    fixed = recorded_trace(name, "fixed")
    assert not all(result.passed for result in evaluate(fixed, load_scenario(name).expect_broken))


@pytest.mark.long
@pytest.mark.parametrize("name", FAILURES)
def test_healthy_runs_do_not_look_broken(name: str) -> None:
    """No twin of the workflow's scenarios meets these failure expectations."""
    page = load_scenario(name)
    for other in scenario_names():
        if load_scenario(other).workflow == page.workflow and load_scenario(other).twin:
            healthy = recorded_trace(other, "twin")
            assert not all(result.passed for result in evaluate(healthy, page.expect_broken))
            signals = [e for e in (*page.expect_broken, *page.expect_fixed) if e.signals_failure]
            assert not [
                one.description for one in signals if one.explain_failure(healthy) is None
            ], other


@pytest.mark.parametrize("name", FAILURES)
def test_the_origin_is_a_span_of_the_broken_trace(name: str) -> None:
    page = load_scenario(name)
    assert page.origin
    assert find_origin_span(recorded_trace(name, "broken"), page.origin)


def test_the_trace_does_not_have_the_ground_truth() -> None:
    for name in FAILURES:
        text = scenario_folder(name).recorded_trace("broken").read_text("utf-8")
        assert not re.search(r"\borigin\b", text)
        assert load_scenario(name).failure_mode not in text


def test_scenario_files_are_data_only() -> None:
    """A page has no `if` and no loop at its top level: it is read once, from top to bottom."""
    for name in scenario_names():
        body = ast.parse(scenario_folder(name).module.read_text("utf-8")).body
        kinds = {type(node) for node in body}
        assert not kinds & {ast.For, ast.While, ast.Try, ast.With}, name
        tests = [ast.unparse(node.test) for node in body if isinstance(node, ast.If)]
        assert set(tests) <= {"TYPE_CHECKING"}, name

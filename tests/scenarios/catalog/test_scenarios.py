"""Every scenario is played, through the player, and its page keeps what it promises."""

import ast

import pytest

from instrumentation.trace.canonical_json import dumps, read
from scenarios.player.run import play
from scenarios.player.scenario_loader import folder, load, names
from scenarios.player.verdict import judged
from scenarios.reports.origin_marker import found

FAILURES = [name for name in names() if load(name).broken]


@pytest.mark.parametrize("name", names())
def test_the_scenario_passes_and_leaves_what_is_recorded(name: str, store: str) -> None:
    """One test, for one play: that of each scenario takes as long as all the rest of it."""
    verdict = play(name, store)
    assert verdict.passed, verdict.to_json()
    for seen in verdict.variants:
        assert seen.trace is not None
        assert dumps(seen.trace) == folder(name).recorded(seen.variant).read_text("utf-8")


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

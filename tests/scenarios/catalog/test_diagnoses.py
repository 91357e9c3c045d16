"""The trace alone convicts: each failure is traced to its origin, and no healthy run is accused."""

import pytest

from instrumentation.diagnosis import DETECTORS, diagnose
from instrumentation.diagnosis.calls.swallowed_error import find_swallowed_errors
from instrumentation.trace import Trace
from instrumentation.trace.canonical_json import dump_trace, load_trace
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from tests.support.failure_truth import TRUTH, explain_miss, explain_wrong_diagnosis
from tests.support.renamed_traces import rename_trace, reword_instructions

FAILURES = [name for name in scenario_names() if load_scenario(name).broken]
PLAYED = [detector for detector in DETECTORS if detector is not find_swallowed_errors]
"""The detectors of failures that a scenario plays; tests/instrumentation has traces for others."""
RUNS = [
    (name, variant) for name in scenario_names() for variant, _, _ in load_scenario(name).variants()
]


def _recorded(name: str, variant: str) -> Trace:
    return load_trace(scenario_folder(name).recorded_trace(variant))


def test_the_truth_of_every_failure_is_known() -> None:
    assert sorted(TRUTH) == sorted(FAILURES)


@pytest.mark.parametrize(("name", "variant"), RUNS)
def test_a_recorded_run_is_diagnosed_right(name: str, variant: str) -> None:
    assert explain_wrong_diagnosis(name, variant, _recorded(name, variant)) is None


@pytest.mark.parametrize(("name", "variant"), RUNS)
def test_names_of_agents_and_tools_make_no_difference(name: str, variant: str) -> None:
    trace = _recorded(name, variant)
    renamed = rename_trace(trace)
    assert trace.agents != renamed.agents
    assert _places(renamed) == _places(trace)


@pytest.mark.parametrize(("name", "variant"), RUNS)
def test_the_words_of_prompts_make_no_difference(name: str, variant: str) -> None:
    trace = _recorded(name, variant)
    reworded = reword_instructions(trace)
    assert dump_trace(reworded) != dump_trace(trace)
    assert _places(reworded) == _places(trace)


@pytest.mark.parametrize("detector", PLAYED, ids=lambda detector: detector.__name__)
def test_without_a_detector_one_of_its_failures_is_missed(detector: object) -> None:
    others = [other for other in DETECTORS if other is not detector]
    missed = []
    for name in FAILURES:
        trace = _recorded(name, "broken")
        if explain_miss(name, trace, diagnose(trace, others).findings):
            missed.append(name)
    assert missed


def _places(trace: Trace) -> list[tuple[str, int]]:
    """The mode and the origin of each finding; the origin by its place in the tree."""
    places = {id(span): place for place, span in enumerate(trace)}
    return [(finding.mode, places[id(finding.origin)]) for finding in diagnose(trace).findings]

"""The trace alone convicts: each failure is traced to its origin, and no healthy run is accused."""

import pytest

from instrumentation.diagnosis import DETECTORS, Detector, diagnose
from instrumentation.diagnosis.calls.unmentioned_tool_error import find_unmentioned_tool_errors
from instrumentation.trace import Trace
from instrumentation.trace.canonical_json import dump_trace, load_trace
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from tests.instrumentation.diagnosis import test_look_alikes
from tests.instrumentation.diagnosis.test_diagnosis import FAILED_CALL, run, turn
from tests.support.failure_truth import NO_FINDING, TRUTH, explain_miss, explain_wrong_diagnosis
from tests.support.renamed_traces import SEEDS, explain_dependence_on_words, rename_inputs

FAILURES = [name for name in scenario_names() if load_scenario(name).broken]
UNPLAYED: dict[Detector, Trace] = {
    find_unmentioned_tool_errors: run(
        "How is the well?",
        "The north well is in good order.",
        turn("surveyor", "Measure.", "The north well is in good order.", FAILED_CALL),
    ),
    **test_look_alikes.UNPLAYED,
}
"""The detectors of failures that no scenario plays, each with a small trace that has one."""
PLAYED = [detector for detector in DETECTORS if detector not in UNPLAYED]
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


@pytest.mark.long
@pytest.mark.parametrize(("name", "variant"), RUNS)
def test_names_of_agents_tools_and_inputs_and_the_words_of_prompts_make_no_difference(
    name: str, variant: str
) -> None:
    trace = _recorded(name, variant)
    reasons = (explain_dependence_on_words(trace, seed) for seed in SEEDS)
    assert [reason for reason in reasons if reason] == []


@pytest.fixture(scope="module")
def missed() -> dict[Detector, tuple[str, ...]]:
    """The failures whose diagnosis is wrong without a detector, by detector."""
    traces = {name: _recorded(name, "broken") for name in FAILURES}
    without = {
        detector: [other for other in DETECTORS if other is not detector] for detector in DETECTORS
    }
    return {
        detector: tuple(
            name
            for name, trace in traces.items()
            if explain_miss(name, trace, diagnose(trace, others).findings)
        )
        for detector, others in without.items()
    }


@pytest.mark.long
@pytest.mark.parametrize("detector", PLAYED, ids=lambda detector: detector.__name__)
def test_without_a_detector_its_failures_are_missed(
    detector: Detector, missed: dict[Detector, tuple[str, ...]]
) -> None:
    assert missed[detector]


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in FAILURES if TRUTH[name] != NO_FINDING])
def test_each_failure_is_found_by_one_detector_and_by_no_other(
    name: str, missed: dict[Detector, tuple[str, ...]]
) -> None:
    assert len([detector for detector, names in missed.items() if name in names]) == 1


@pytest.mark.parametrize("detector", UNPLAYED, ids=lambda detector: detector.__name__)
def test_without_a_detector_of_no_scenario_its_small_trace_has_no_finding(
    detector: Detector,
) -> None:
    trace = UNPLAYED[detector]
    others = [other for other in DETECTORS if other is not detector]
    assert diagnose(trace).findings
    assert diagnose(trace, others).findings == ()


def test_an_inputs_new_name_is_in_its_definition_and_in_each_call() -> None:
    renamed = dump_trace(rename_inputs(_recorded("tool_call_runs_away", "broken"), seed=1))
    assert '"pattern": "^[A-Z]{3}$"' in renamed
    assert '"period":' not in renamed

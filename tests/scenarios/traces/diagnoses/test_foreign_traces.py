"""Traces of other instrumentors are diagnosed as far as they tell, and none is accused."""

import json
from pathlib import Path

import pytest

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Trace
from instrumentation.trace.canonical_json import load_trace
from instrumentation.trace.trace_file import load_traces
from integrations.cases.all_cases import all_cases
from integrations.environments.build import find_environment
from integrations.runner.case_run import run_cases_in_child
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from tests.scenarios.traces.trace_import.test_instrumentors import to_otlp
from tests.support.failure_truth import NO_FINDING, TRUTH
from tests.support.foreign_trees import strip_to_common
from tests.support.forks.forking_python import forking_python

FAILURES = [
    name for name in scenario_names() if load_scenario(name).broken and TRUTH[name] != NO_FINDING
]
UNSEEN = {
    "breaker_trips_on_honest_work": "",  # a program without guardrails leaves the same trace
    "budget_is_checked_too_late": "",
    "guardrail_blocks_the_good_call": "",
    "redaction_is_thrown_away": "",
    "prompt_alias_points_at_the_old_version": "",  # no other program records versions of prompts
    "code_escapes_its_folder": "",  # the files that code wrote are not part of a tool call
    "api_field_is_renamed": "no HTTP replies of tools",
    "guess_becomes_a_fact": "no shared state",
    "last_writer_wins": "no shared state",
    "two_branches_fetch_the_same": "no HTTP replies of tools",
}
"""Failures that turns, completions and tool calls alone do not show, and what would show them."""


def _stripped(name: str, variant: str) -> Trace:
    return strip_to_common(load_trace(scenario_folder(name).recorded_trace(variant)))


@pytest.mark.parametrize("name", FAILURES)
def test_turns_completions_and_tool_calls_alone_tell_the_agent_or_what_they_lack(
    name: str,
) -> None:
    diagnosis = diagnose(_stripped(name, "broken"))
    if name in UNSEEN:
        assert diagnosis.findings == ()
        lack = UNSEEN[name]
        assert not lack or any(one.startswith(lack) for one in diagnosis.lacks)
        return
    origin = load_scenario(name).origin
    assert origin
    assert diagnosis.findings[0].agent == origin.agent


@pytest.mark.parametrize("name", scenario_names())
def test_no_healthy_run_is_accused_for_what_its_trace_lacks(name: str) -> None:
    for variant, _, _ in load_scenario(name).variants():
        if variant != "broken":
            assert diagnose(_stripped(name, variant)).findings == ()


@pytest.mark.long
@pytest.mark.parametrize("framework", ["autogen", "openai"])
def test_programs_that_plain_autolog_recorded_are_not_accused(
    framework: str, tmp_path: Path
) -> None:
    _check_programs(Path(forking_python()), "plain autolog", framework, tmp_path)


@pytest.mark.long
@pytest.mark.openinference
@pytest.mark.parametrize("framework", ["autogen", "crewai"])
def test_programs_that_openinference_recorded_are_not_accused(
    framework: str, tmp_path: Path
) -> None:
    _check_programs(find_environment("openinference").python, "OpenInference", framework, tmp_path)


def _check_programs(python: Path, instrumentor: str, framework: str, folder: Path) -> None:
    """Run healthy programs, export their traces as files, and diagnose what is read back."""
    names = {"autogen": ("graphflow_run", "reflect_on"), "crewai": ("sequential",)}
    wanted = names.get(framework, ("tool_calls",))
    cases = [case for case in all_cases(framework) if case.name in wanted]
    assert len(cases) == len(wanted)
    for run in run_cases_in_child(python, instrumentor, cases):
        file = folder / f"{run.case.name}.json"
        file.write_text(json.dumps(to_otlp(run.spans) if run.spans else list(run.traces)))
        for trace in load_traces(file):
            diagnosis = diagnose(trace)
            assert diagnosis.findings == (), run.case.name
            assert diagnosis.lacks, run.case.name

"""The frameworks' own OpenTelemetry agrees with the stored fidelity table, in a few cases.

Of other instrumentors, CI compares every case: `python -m integrations fidelity --check`.
"""

import sys
from pathlib import Path

import pytest

from integrations.cases.all_cases import all_cases
from integrations.fidelity.table_file import load_table
from integrations.fidelity.table_measurement import measure_table
from integrations.fidelity.table_problems import table_changes
from integrations.instrumentors.framework_telemetry import (
    FIRST_CREWAI_VERSION,
    capture_framework_telemetry,
)
from integrations.instrumentors.registry import INSTRUMENTORS_BY_NAME
from integrations.measures.span_normalization import normalized_trace
from integrations.programs.case_context import UnsupportedFeatureError
from integrations.runner.case_run import run_cases_in_child

pytestmark = pytest.mark.long

CASES = {"autogen": ("agent_with_tool", "raising_model"), "crewai": ("raising_tool",)}


@pytest.mark.parametrize("framework", CASES)
def test_telemetry_of_a_framework_agrees_with_the_table(framework: str) -> None:
    instrumentor = INSTRUMENTORS_BY_NAME["its own OpenTelemetry"]
    cases = [case for case in all_cases(framework) if case.name in CASES[framework]]
    measured = measure_table([instrumentor], cases, lambda line: None)
    assert list(table_changes(load_table(), measured, every_case=False)) == []
    assert len(measured.entries) == len(CASES[framework])


def test_a_team_within_a_span_of_the_application_is_one_tree() -> None:
    team = [case for case in all_cases("autogen") if case.name == "round_robin"]
    (run,) = run_cases_in_child(Path(sys.executable), "its own OpenTelemetry", team)
    (root,) = normalized_trace(run).roots
    assert {turn.agent for turn in root if turn.type == "AGENT"} == {"poet", "critic"}


@pytest.mark.parametrize(
    ("version", "error"),
    [("1.15.21", UnsupportedFeatureError), (str(FIRST_CREWAI_VERSION), ImportError)],
)
def test_a_crewai_without_its_tracing_module_is_an_error(
    version: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.instrumentors.framework_telemetry.version", lambda _: version)
    monkeypatch.setitem(sys.modules, "crewai.telemetry.tracing", None)
    with pytest.raises(error), capture_framework_telemetry("", "crewai"):
        pass

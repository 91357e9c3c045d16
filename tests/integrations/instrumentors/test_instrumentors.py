"""The columns of the fidelity table: a few entries of each are as the kept table says."""

import sys

import pytest

from integrations.cases.all_cases import all_cases
from integrations.conventions.normalized_trace import normalized_trace
from integrations.environments.uv import InstallError
from integrations.fidelity import table_file
from integrations.fidelity.fidelity_table import measure_table
from integrations.fidelity.table_changes import table_changes
from integrations.instrumentors.framework_telemetry import (
    FIRST_CREWAI_VERSION,
    enable_framework_telemetry,
)
from integrations.instrumentors.registry import INSTRUMENTORS_BY_NAME, Instrumentor
from integrations.programs.case_context import UnsupportedFeatureError
from integrations.runner.case_process import current_python
from integrations.runner.case_run import run_cases

pytestmark = pytest.mark.long

FLOWN = {"autogen": ("agent_with_tool", "raising_model"), "crewai": ("raising_tool",)}


@pytest.mark.parametrize(
    ("name", "framework"),
    [
        ("plain autolog", "autogen"),
        pytest.param("OpenInference", "autogen", marks=pytest.mark.openinference),
        pytest.param("OpenLLMetry", "autogen", marks=pytest.mark.openllmetry),
        pytest.param("OpenLIT", "autogen", marks=pytest.mark.openlit),
        ("its own OpenTelemetry", "autogen"),
        ("its own OpenTelemetry", "crewai"),
    ],
)
def test_an_instrumentor_tells_what_the_table_says(name: str, framework: str) -> None:
    column = INSTRUMENTORS_BY_NAME[name]
    _see_it_stands(column)
    chosen = [case for case in all_cases(framework) if case.name in FLOWN[framework]]
    seen = measure_table([column], chosen, lambda line: None)
    assert list(table_changes(table_file.load_table(), seen, every_case=False)) == []
    assert len(seen.entries) == len(FLOWN[framework])


def test_a_team_stands_in_one_tree_where_the_application_has_a_span_around_it() -> None:
    team = [case for case in all_cases("autogen") if case.name == "round_robin"]
    (flight,) = run_cases(current_python(), "its own OpenTelemetry", team)
    (root,) = normalized_trace(flight).roots
    assert {turn.agent for turn in root if turn.type == "AGENT"} == {"poet", "critic"}


@pytest.mark.parametrize(
    ("version", "says"),
    [("1.15.21", UnsupportedFeatureError), (str(FIRST_CREWAI_VERSION), ImportError)],
)
def test_a_crewai_that_lost_its_own_tracing_is_not_taken_for_one_before_it(
    version: str, says: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.instrumentors.framework_telemetry.version", lambda _: version)
    monkeypatch.setitem(sys.modules, "crewai.telemetry.tracing", None)
    with pytest.raises(says), enable_framework_telemetry("", "crewai"):
        pass


def _see_it_stands(column: Instrumentor) -> None:
    try:
        column.find_environment()
    except InstallError as why:
        pytest.skip(str(why))

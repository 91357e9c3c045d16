"""The columns of the fidelity table: a few entries of each are as the kept table says."""

import sys

import pytest

from integrations.cases.all_cases import cases
from integrations.conventions.normalized_trace import told
from integrations.environments.uv import NotInstallable
from integrations.fidelity import table_file
from integrations.fidelity.fidelity_table import measured
from integrations.fidelity.table_changes import changes
from integrations.instrumentors.framework_telemetry import FIRST, own
from integrations.instrumentors.registry import BY_NAME, Column
from integrations.programs.case_context import NotHere
from integrations.runner.case_process import here
from integrations.runner.case_run import flown

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
    column = BY_NAME[name]
    _see_it_stands(column)
    chosen = [case for case in cases(framework) if case.name in FLOWN[framework]]
    seen = measured([column], chosen, lambda line: None)
    assert list(changes(table_file.read(), seen, every_case=False)) == []
    assert len(seen.entries) == len(FLOWN[framework])


def test_a_team_stands_in_one_tree_where_the_application_has_a_span_around_it() -> None:
    team = [case for case in cases("autogen") if case.name == "round_robin"]
    (flight,) = flown(here(), "its own OpenTelemetry", team)
    (root,) = told(flight).roots
    assert {turn.agent for turn in root if turn.type == "AGENT"} == {"poet", "critic"}


@pytest.mark.parametrize(("version", "says"), [("1.15.21", NotHere), (str(FIRST), ImportError)])
def test_a_crewai_that_lost_its_own_tracing_is_not_taken_for_one_before_it(
    version: str, says: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.instrumentors.framework_telemetry.version", lambda _: version)
    monkeypatch.setitem(sys.modules, "crewai.telemetry.tracing", None)
    with pytest.raises(says), own("", "crewai"):
        pass


def _see_it_stands(column: Column) -> None:
    try:
        column.environment()
    except NotInstallable as why:
        pytest.skip(str(why))

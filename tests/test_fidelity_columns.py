"""The columns of the fidelity table: a few entries of each are as the kept table says."""

import pytest

from integrations.cases import cases
from integrations.fidelity import kept
from integrations.fidelity.changes import changes
from integrations.fidelity.column import COLUMNS, Column
from integrations.fidelity.table import measured
from integrations.installer import NotInstallable

FLOWN = ("agent_with_tool", "raising_model")
BY_NAME = {column.name: column for column in COLUMNS}


@pytest.mark.parametrize(
    "name",
    [
        "plain autolog",
        pytest.param("OpenInference", marks=pytest.mark.openinference),
        pytest.param("OpenLLMetry", marks=pytest.mark.openllmetry),
        pytest.param("OpenLIT", marks=pytest.mark.openlit),
        "its own OpenTelemetry",
    ],
)
def test_an_instrumentor_tells_what_the_table_says(name: str) -> None:
    column = BY_NAME[name]
    _see_it_stands(column)
    chosen = [case for case in cases("autogen") if case.name in FLOWN]
    seen = measured([column], chosen, lambda line: None)
    assert list(changes(kept.read(), seen, every_case=False)) == []
    assert len(seen.entries) == len(FLOWN)


def _see_it_stands(column: Column) -> None:
    try:
        column.environment()
    except NotInstallable as why:
        pytest.skip(str(why))

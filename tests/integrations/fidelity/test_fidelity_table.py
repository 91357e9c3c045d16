"""The fidelity table is stored, summed up, and compared with new measurements."""

from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from integrations.cli.app import app
from integrations.fidelity.fidelity_table import (
    EntryKey,
    FidelityTable,
    TableEntry,
    complete_share,
    measure_totals,
)
from integrations.fidelity.table_file import TableFileError, dump_table, load_table
from integrations.fidelity.table_measurement import measure_table
from integrations.fidelity.table_problems import table_changes, unexplained_misses
from integrations.gaps.gap import Gap, load_known_gaps
from integrations.instrumentors.registry import INSTRUMENTORS, Instrumentor
from integrations.measures.run_counts import MEASURES, RunCounts
from integrations.reports.fidelity_page import MEASURE_MEANINGS, fidelity_page, page_problems
from scenarios.player.fidelity import FidelityCount

COMPLETE = TableEntry({"tools": FidelityCount(2, 2), "leaks": FidelityCount(0, 0)})
INCOMPLETE = TableEntry(
    {"tools": FidelityCount(2, 1), "tokens": FidelityCount(7, 14), "leaks": FidelityCount(0, 1)}
)
UNSUPPORTED = TableEntry(not_applicable="not supported")
PROBLEM = TableEntry(problem="crewai/memory: expected an answer, found KeyError: 'id'")


def table(ours: TableEntry = COMPLETE, other: TableEntry = INCOMPLETE) -> FidelityTable:
    return FidelityTable(
        {"ours": {"mlflow": "3.17.2"}, "OpenLIT": {"openlit": "1.45.0"}},
        {"crewai": {"memory": "memory"}},
        {("crewai", "memory", "ours"): ours, ("crewai", "memory", "OpenLIT"): other},
    )


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (COMPLETE, ("complete",)),
        (INCOMPLETE, ("tools 1/2", "tokens 14/7", "leaks 1")),
        (TableEntry({"tools": FidelityCount(2, 0), "turns": FidelityCount(1, 0)}), ("nothing",)),
        (UNSUPPORTED, ("none",)),
        (PROBLEM, ("different outcome",)),
    ],
)
def test_an_entry_sums_up_incomplete_measures(entry: TableEntry, message: tuple[str, ...]) -> None:
    assert entry.summary == message


@pytest.mark.parametrize("entry", [COMPLETE, INCOMPLETE, UNSUPPORTED, PROBLEM])
def test_a_table_is_read_back(entry: TableEntry, tmp_path: Path) -> None:
    path = tmp_path / "fidelity.json"
    path.write_text(dump_table(table(other=entry)), "utf-8")
    assert load_table(path) == table(other=entry)


def test_an_entry_is_one_line_of_the_file() -> None:
    before, after = (
        dump_table(table(other=entry)).splitlines() for entry in (COMPLETE, INCOMPLETE)
    )
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize("text", ["", "[]", '{"format": "fidelity/0"}', '{"format": "fidelity/2"}'])
def test_a_file_that_is_not_a_table_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "fidelity.json"
    path.write_text(text)
    with pytest.raises(TableFileError, match=r"fidelity\.json"):
        load_table(path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({("crewai", "memory", "ours"): COMPLETE}, "crewai/memory, OpenLIT, is missing; write"),
        (
            {**table().entries, ("crewai", "flow", "ours"): COMPLETE},
            "crewai/flow, ours, has no such case",
        ),
    ],
)
def test_a_table_with_a_missing_or_unknown_entry_is_refused(
    entries: dict[EntryKey, TableEntry], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "fidelity.json"
    path.write_text(dump_table(replace(table(), entries=entries)), "utf-8")
    with pytest.raises(TableFileError, match=message):
        load_table(path)


def test_excess_does_not_replace_missing_records() -> None:
    doubled, lost = (
        TableEntry({"tools": FidelityCount(2, 4)}),
        TableEntry({"tools": FidelityCount(2, 1)}),
    )
    shares = {measure: str(total) for measure, total in measure_totals([doubled, lost])}
    assert shares["tools"] == "75% +2"


def test_a_share_is_rounded_down() -> None:
    nearly = [TableEntry({"tokens": FidelityCount(1000, 999)})]
    assert dict(measure_totals(nearly))["tokens"].__str__() == "99%"


def test_unsupported_cases_are_not_counted() -> None:
    assert (
        complete_share([COMPLETE, INCOMPLETE, PROBLEM, UNSUPPORTED]),
        complete_share([UNSUPPORTED]),
    ) == ("1/3", "–")


def test_a_change_names_case_instrumentor_and_measure() -> None:
    fewer = replace(INCOMPLETE, counts=dict(INCOMPLETE.counts) | {"tools": FidelityCount(2, 0)})
    (change,) = table_changes(table(), table(other=fewer))
    assert change == "crewai/memory, OpenLIT: tools was 1/2, is 0/2"


@pytest.mark.parametrize(
    ("measured", "message"),
    [
        (table(other=UNSUPPORTED), "is not supported"),
        (replace(table(), versions={"ours": {"mlflow": "3.18.0"}}), "has mlflow 3.17.2"),
        (replace(table(), versions={"weave": {}}), "weave: the stored table does not have"),
        (
            replace(table(), titles={"crewai": {"flow": "Flow"}}),
            "crewai/flow: is a case, but is not",
        ),
        (replace(table(), titles={"crewai": {"memory": "Memory"}}), "the titles of the cases"),
    ],
)
def test_other_differences_are_described(measured: FidelityTable, message: str) -> None:
    assert any(message in change for change in table_changes(table(), measured))


def test_instrumentors_that_were_not_measured_are_not_compared() -> None:
    entries = {key: entry for key, entry in table().entries.items() if key[2] == "ours"}
    part = replace(table(), versions={"ours": {"mlflow": "3.17.2"}}, entries=entries)
    assert list(table_changes(table(), part)) == []


def test_incomplete_entries_of_ours_need_a_declared_gap() -> None:
    gap = Gap("a_gap", "a symptom", "upstream", "crewai", ("ours",), {}, {"tools": ("memory",)})
    incomplete = table(ours=TableEntry({"tools": FidelityCount(2, 1)}))
    assert list(unexplained_misses(table(), [])) == []
    assert "crewai/memory, tools" in next(unexplained_misses(incomplete, []))
    assert list(unexplained_misses(incomplete, [gap])) == []
    assert "ours: memory, tools: a symptom (upstream)" in fidelity_page(incomplete, [gap])


def test_a_measure_that_never_happened_has_no_share() -> None:
    described = {measure: str(total) for measure, total in measure_totals([COMPLETE])}
    assert (described["totals"], described["leaks"], described["tools"]) == ("–", "0", "100%")


def test_a_different_outcome_needs_a_declared_gap() -> None:
    assert len(list(unexplained_misses(table(ours=PROBLEM), []))) == 1


def test_every_measure_is_explained_on_the_page() -> None:
    assert tuple(MEASURE_MEANINGS) == MEASURES == tuple(RunCounts.__dataclass_fields__)


NOT_BUILT = Instrumentor("unknown", "module:function", environment_name="unknown")
"""An instrumentor whose environment has not been built."""


def test_an_instrumentor_without_environment_is_left_out() -> None:
    lines: list[str] = []
    measured = measure_table([NOT_BUILT], [], lines.append)
    assert measured.entries == {}
    assert lines == [
        "unknown is left out: the environment unknown has not been built: make unknown-env"
    ]


@pytest.mark.parametrize(
    ("options", "code"),
    [(["--case", "openai"], 2), (["--check", "--instrumentor", "unknown"], 2), (["--check"], 0)],
)
def test_leaving_out_a_selected_instrumentor_is_no_success(
    options: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = import_module("integrations.cli.commands")
    monkeypatch.setattr(command, "INSTRUMENTORS", (NOT_BUILT,))
    monkeypatch.setattr(command, "INSTRUMENTORS_BY_NAME", {NOT_BUILT.name: NOT_BUILT})
    result = CliRunner().invoke(app, ["fidelity", *options])
    assert "unknown is left out" in result.stderr
    assert result.exit_code == code


def test_the_page_is_that_of_the_stored_table() -> None:
    assert list(page_problems(load_table(), load_known_gaps())) == []


def test_an_edited_page_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "FIDELITY.md"
    path.write_text(fidelity_page(table(), []) + "edited\n", "utf-8")
    assert list(page_problems(table(), [], path)) == [
        "FIDELITY.md is not the page of the stored table"
    ]


def test_the_stored_table_has_no_unexplained_gaps_of_ours() -> None:
    assert list(unexplained_misses(load_table(), load_known_gaps())) == []


def test_the_stored_table_has_every_instrumentor() -> None:
    assert tuple(load_table().versions) == tuple(each.name for each in INSTRUMENTORS)


def test_the_stored_table_has_the_versions_of_the_projects_environment() -> None:
    here = [each.name for each in INSTRUMENTORS if not each.environment_name]
    listed = {package for name in here for package in load_table().versions[name].items()}
    assert listed == {(package, version(package)) for package, _ in listed}

"""The fidelity table: kept as it was counted, told in few words, and held against what is seen."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from integrations.cli.app import app
from integrations.environments.build import Environment
from integrations.environments.uv import InstallError
from integrations.fidelity import table_file
from integrations.fidelity.fidelity_table import EntryKey, FidelityTable, measure_table
from integrations.fidelity.gap_reasons import unexplained_misses
from integrations.fidelity.measure_totals import complete_share, measure_totals
from integrations.fidelity.table_changes import page_problems, table_changes
from integrations.fidelity.table_entry import TableEntry
from integrations.gaps.gap import Gap
from integrations.gaps.known_gaps import KNOWN_GAPS
from integrations.instrumentors.registry import INSTRUMENTORS, Instrumentor
from integrations.measures.run_counts import MEASURES, RunCounts
from integrations.reports.fidelity_page import FIDELITY_PAGE, MEASURE_MEANINGS, fidelity_page
from scenarios.player.fidelity import FidelityCount

WHOLE = TableEntry({"tools": FidelityCount(2, 2), "leaks": FidelityCount(0, 0)})
GAPPED = TableEntry(
    {"tools": FidelityCount(2, 1), "tokens": FidelityCount(7, 14), "leaks": FidelityCount(0, 1)}
)
NONE = TableEntry(not_applicable="it has none")
BROKE = TableEntry(problem="crewai/memory: an answer was due, and there was KeyError: 'id'")


def table(ours: TableEntry = WHOLE, other: TableEntry = GAPPED) -> FidelityTable:
    return FidelityTable(
        {"ours": {"mlflow": "3.17.2"}, "OpenLIT": {"openlit": "1.45.0"}},
        {"crewai": {"memory": "memory"}},
        {("crewai", "memory", "ours"): ours, ("crewai", "memory", "OpenLIT"): other},
    )


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (WHOLE, ("whole",)),
        (GAPPED, ("tools 1/2", "tokens 14/7", "leaks 1")),
        (TableEntry({"tools": FidelityCount(2, 0), "turns": FidelityCount(1, 0)}), ("nothing",)),
        (NONE, ("none",)),
        (BROKE, ("went otherwise",)),
    ],
)
def test_an_entry_says_in_few_words_what_is_not_whole(
    entry: TableEntry, says: tuple[str, ...]
) -> None:
    assert entry.summary == says


@pytest.mark.parametrize("entry", [WHOLE, GAPPED, NONE, BROKE])
def test_a_table_is_kept_as_it_was_counted(entry: TableEntry, tmp_path: Path) -> None:
    path = tmp_path / "fidelity.json"
    path.write_text(table_file.dump_table(table(other=entry)), "utf-8")
    assert table_file.load_table(path) == table(other=entry)


def test_an_entry_is_a_line_of_the_file() -> None:
    before, after = (
        table_file.dump_table(table(other=entry)).splitlines() for entry in (WHOLE, GAPPED)
    )
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize("text", ["", "[]", '{"format": "fidelity/0"}', '{"format": "fidelity/1"}'])
def test_a_file_that_is_no_table_says_what_mends_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "fidelity.json"
    path.write_text(text)
    with pytest.raises(table_file.TableFileError, match=r"fidelity\.json"):
        table_file.load_table(path)


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({("crewai", "memory", "ours"): WHOLE}, "crewai/memory, OpenLIT, is missing; make"),
        (
            {**table().entries, ("crewai", "flow", "ours"): WHOLE},
            "crewai/flow, ours, is of no case",
        ),
    ],
)
def test_a_table_that_lacks_an_entry_or_has_a_stranger_is_none(
    entries: dict[EntryKey, TableEntry], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "fidelity.json"
    path.write_text(table_file.dump_table(replace(table(), entries=entries)), "utf-8")
    with pytest.raises(table_file.TableFileError, match=says):
        table_file.load_table(path)


def test_what_is_told_besides_makes_up_for_nothing_that_is_missing() -> None:
    doubled, lost = (
        TableEntry({"tools": FidelityCount(2, 4)}),
        TableEntry({"tools": FidelityCount(2, 1)}),
    )
    shares = {measure: str(total) for measure, total in measure_totals([doubled, lost])}
    assert shares["tools"] == "75% +2"


def test_a_share_is_all_for_all_alone() -> None:
    nearly = [TableEntry({"tokens": FidelityCount(1000, 999)})]
    assert dict(measure_totals(nearly))["tokens"].__str__() == "99%"


def test_what_there_is_none_of_is_no_case_that_is_missed() -> None:
    assert (complete_share([WHOLE, GAPPED, BROKE, NONE]), complete_share([NONE])) == ("1/3", "–")


def test_a_change_is_told_by_case_column_and_measure() -> None:
    fewer = replace(GAPPED, counts=dict(GAPPED.counts) | {"tools": FidelityCount(2, 0)})
    (change,) = table_changes(table(), table(other=fewer))
    assert change == "crewai/memory, OpenLIT: tools 1/2 before, 0/2 now"


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (table(other=NONE), "is it has none"),
        (replace(table(), versions={"ours": {"mlflow": "3.18.0"}}), "has mlflow 3.17.2"),
        (replace(table(), versions={"weave": {}}), "weave: the kept table does not have"),
        (replace(table(), titles={"crewai": {"flow": "Flow"}}), "crewai/flow: is a case, and not"),
        (replace(table(), titles={"crewai": {"memory": "Memory"}}), "the titles of the cases"),
    ],
)
def test_whatever_else_differs_is_told(seen: FidelityTable, says: str) -> None:
    assert any(says in change for change in table_changes(table(), seen))


def test_nothing_is_told_of_what_was_not_counted_now() -> None:
    entries = {place: entry for place, entry in table().entries.items() if place[2] == "ours"}
    part = replace(table(), versions={"ours": {"mlflow": "3.17.2"}}, entries=entries)
    assert list(table_changes(table(), part)) == []


def test_ours_must_be_whole_or_say_why() -> None:
    gap = Gap("dark", "no lamp", "upstream", "crewai", ("ours",), {}, {"tools": ("memory",)})
    lacking = table(ours=TableEntry({"tools": FidelityCount(2, 1)}))
    assert list(unexplained_misses(table(), [])) == []
    assert "crewai/memory, tools" in next(unexplained_misses(lacking, []))
    assert list(unexplained_misses(lacking, [gap])) == []
    assert "ours: memory, tools: no lamp (upstream)" in fidelity_page(lacking, [gap])


def test_of_what_was_never_due_there_is_no_share() -> None:
    said = {measure: str(total) for measure, total in measure_totals([WHOLE])}
    assert (said["totals"], said["leaks"], said["tools"]) == ("–", "0", "100%")


def test_a_case_that_went_otherwise_is_explained_by_nothing() -> None:
    assert len(list(unexplained_misses(table(ours=BROKE), []))) == 1


def test_every_measure_that_is_counted_is_explained() -> None:
    assert tuple(MEASURE_MEANINGS) == MEASURES == tuple(RunCounts.__dataclass_fields__)


class Unbuilt(Instrumentor):
    """A column whose environment is not there."""

    def environment(self) -> Environment:
        raise InstallError("the environment dark has not been built: make dark-env")


def test_a_column_whose_environment_is_not_there_is_left_out_with_a_line() -> None:
    lines: list[str] = []
    seen = measure_table([Unbuilt("dark", "by hand")], [], lines.append)
    assert seen.entries == {}
    assert lines == ["dark is left out: the environment dark has not been built: make dark-env"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [(["--case", "openai"], 2), (["--check", "--column", "dark"], 2), (["--check"], 0)],
)
def test_what_was_asked_and_left_out_is_no_success(
    asked: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = import_module("integrations.cli.fidelity")
    monkeypatch.setattr(command, "INSTRUMENTORS", (Unbuilt("dark", "by hand"),))
    ended = CliRunner().invoke(app, ["fidelity", *asked])
    assert "dark is left out" in ended.stderr
    assert ended.exit_code == code


def test_the_page_is_that_of_the_kept_table() -> None:
    assert list(page_problems(table_file.load_table(), KNOWN_GAPS, FIDELITY_PAGE)) == []


def test_a_page_that_was_edited_is_told(tmp_path: Path) -> None:
    path = tmp_path / "FIDELITY.md"
    path.write_text(fidelity_page(table(), []) + "better than that\n", "utf-8")
    assert list(page_problems(table(), [], path)) == [
        "FIDELITY.md is not the page of the kept table"
    ]


def test_ours_is_whole_or_explained_in_the_kept_table() -> None:
    assert list(unexplained_misses(table_file.load_table(), KNOWN_GAPS)) == []


def test_the_kept_table_has_every_column() -> None:
    assert tuple(table_file.load_table().versions) == tuple(column.name for column in INSTRUMENTORS)

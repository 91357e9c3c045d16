"""The table as it is kept: a JSON file, in which an entry is a line, so that a diff can be read.

format    of the keys, "fidelity/1"
versions  by column, by package
titles    by framework, by case, in the order of the rows
entries   by "framework/case", by column: either, by measure, [told, happened], or
          "none" or "trouble" with the reason why nothing was counted
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from integrations.fidelity.fidelity_table import EntryKey, FidelityTable
from integrations.fidelity.table_entry import TableEntry
from scenarios.player.fidelity import FidelityCount

FORMAT = "fidelity/1"
FILE = Path(__file__).parent.parent / "fidelity.json"


class TableFileError(Exception):
    """Raised when the file of the table cannot be read as one."""


def dump_table(table: FidelityTable) -> str:
    """The whole file."""
    rows: dict[str, dict[str, Any]] = {}
    for (framework, case, column), entry in table.entries.items():
        rows.setdefault(f"{framework}/{case}", {})[column] = _entry_to_json(entry)
    parts = {
        "format": _json_line(FORMAT),
        "versions": _json_lines(table.versions, 1),
        "titles": _json_lines(table.titles, 2),
        "entries": _json_lines(rows, 2),
    }
    return "{\n" + ",\n".join(f' "{name}": {part}' for name, part in parts.items()) + "\n}\n"


def load_table(path: Path = FILE) -> FidelityTable:
    """Raises `NoTable`."""
    try:
        told = json.loads(path.read_text("utf-8"))
        if told["format"] != FORMAT:
            raise TableFileError(
                f"{path.name}: its format is {told['format']}, and {FORMAT} is due"
            )
        table = FidelityTable(told["versions"], told["titles"], dict(_entries(told["entries"])))
    except FileNotFoundError:
        raise TableFileError(f"{path.name}: is not there; make fidelity writes it") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TableFileError(
            f"{path.name}: is no table ({error!r}); make fidelity writes it"
        ) from None
    if misfit := next(_entry_problems(table), ""):
        raise TableFileError(f"{path.name}: {misfit}; make fidelity writes it")
    return table


def _entry_problems(table: FidelityTable) -> Iterator[str]:
    """Each case is due in each column, and nothing else is."""
    due = {
        (framework, case, column)
        for framework, titles in table.titles.items()
        for case in titles
        for column in table.versions
    }
    for place in sorted(due ^ table.entries.keys()):
        framework, case, column = place
        how = "is missing" if place in due else "is of no case or of no column"
        yield f"the entry of {framework}/{case}, {column}, {how}"


def _entries(rows: Mapping[str, Mapping[str, Any]]) -> "list[tuple[EntryKey, TableEntry]]":
    return [
        ((*_split_case_name(name), column), _entry_from_json(told))
        for name, row in rows.items()
        for column, told in row.items()
    ]


def _split_case_name(name: str) -> tuple[str, str]:
    framework, _, case = name.partition("/")
    return framework, case


def _entry_to_json(entry: TableEntry) -> dict[str, Any]:
    if entry.not_applicable or entry.problem:
        return (
            {"none": entry.not_applicable} if entry.not_applicable else {"trouble": entry.problem}
        )
    return {measure: [count.trace, count.ledger] for measure, count in entry.counts.items()}


def _entry_from_json(written: Mapping[str, Any]) -> TableEntry:
    if "none" in written or "trouble" in written:
        return TableEntry(
            not_applicable=written.get("none", ""), problem=written.get("trouble", "")
        )
    return TableEntry(
        {measure: FidelityCount(happened, seen) for measure, (seen, happened) in written.items()}
    )


def _json_lines(value: Mapping[str, Any], depth: int, indent: int = 2) -> str:
    """An object whose values stand in a line each, to that depth."""
    inner = (
        f"{' ' * indent}{_json_line(name)}: "
        + (_json_lines(each, depth - 1, indent + 1) if depth > 1 else _json_line(each))
        for name, each in value.items()
    )
    return "{\n" + ",\n".join(inner) + "\n" + " " * (indent - 1) + "}"


def _json_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

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

from integrations.fidelity.fidelity_table import Place, Table
from integrations.fidelity.table_entry import Entry
from scenarios.player.fidelity import Count

FORMAT = "fidelity/1"
FILE = Path(__file__).parent.parent / "fidelity.json"


class NoTable(Exception):
    """Raised when the file of the table cannot be read as one."""


def text(table: Table) -> str:
    """The whole file."""
    rows: dict[str, dict[str, Any]] = {}
    for (framework, case, column), entry in table.entries.items():
        rows.setdefault(f"{framework}/{case}", {})[column] = _told(entry)
    parts = {
        "format": _line(FORMAT),
        "versions": _lines(table.versions, 1),
        "titles": _lines(table.titles, 2),
        "entries": _lines(rows, 2),
    }
    return "{\n" + ",\n".join(f' "{name}": {part}' for name, part in parts.items()) + "\n}\n"


def read(path: Path = FILE) -> Table:
    """Raises `NoTable`."""
    try:
        told = json.loads(path.read_text("utf-8"))
        if told["format"] != FORMAT:
            raise NoTable(f"{path.name}: its format is {told['format']}, and {FORMAT} is due")
        table = Table(told["versions"], told["titles"], dict(_entries(told["entries"])))
    except FileNotFoundError:
        raise NoTable(f"{path.name}: is not there; make fidelity writes it") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoTable(f"{path.name}: is no table ({error!r}); make fidelity writes it") from None
    if misfit := next(_misfits(table), ""):
        raise NoTable(f"{path.name}: {misfit}; make fidelity writes it")
    return table


def _misfits(table: Table) -> Iterator[str]:
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


def _entries(rows: Mapping[str, Mapping[str, Any]]) -> "list[tuple[Place, Entry]]":
    return [
        ((*_case(name), column), _entry(told))
        for name, row in rows.items()
        for column, told in row.items()
    ]


def _case(name: str) -> tuple[str, str]:
    framework, _, case = name.partition("/")
    return framework, case


def _told(entry: Entry) -> dict[str, Any]:
    if entry.none or entry.trouble:
        return {"none": entry.none} if entry.none else {"trouble": entry.trouble}
    return {measure: [count.trace, count.ledger] for measure, count in entry.counts.items()}


def _entry(told: Mapping[str, Any]) -> Entry:
    if "none" in told or "trouble" in told:
        return Entry(none=told.get("none", ""), trouble=told.get("trouble", ""))
    return Entry({measure: Count(happened, seen) for measure, (seen, happened) in told.items()})


def _lines(value: Mapping[str, Any], depth: int, indent: int = 2) -> str:
    """An object whose values stand in a line each, to that depth."""
    inner = (
        f"{' ' * indent}{_line(name)}: "
        + (_lines(each, depth - 1, indent + 1) if depth > 1 else _line(each))
        for name, each in value.items()
    )
    return "{\n" + ",\n".join(inner) + "\n" + " " * (indent - 1) + "}"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

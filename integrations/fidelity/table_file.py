"""Read and write `fidelity.json`: how much of each case each instrumentor records.

format    the version of this format, "fidelity/2"
versions  package versions, by instrumentor and package
titles    titles of the cases, by framework and case, in the order of the rows
entries   by "framework/case" and instrumentor: either [recorded, happened] by measure, or
          "none" or "problem" with the reason why nothing was counted
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from integrations.fidelity.fidelity_table import EntryKey, FidelityTable, TableEntry
from scenarios.player.fidelity import FidelityCount

FORMAT = "fidelity/2"
TABLE_FILE = Path(__file__).parent.parent / "fidelity.json"


class TableFileError(Exception):
    """The file does not exist, or is not a complete fidelity table."""


def dump_table(table: FidelityTable) -> str:
    rows: dict[str, dict[str, Any]] = {}
    for (framework, case, instrumentor), entry in table.entries.items():
        rows.setdefault(f"{framework}/{case}", {})[instrumentor] = _entry_to_json(entry)
    parts = {
        "format": _json_line(FORMAT),
        "versions": _json_lines(table.versions, 1),
        "titles": _json_lines(table.titles, 2),
        "entries": _json_lines(rows, 2),
    }
    return "{\n" + ",\n".join(f' "{name}": {part}' for name, part in parts.items()) + "\n}\n"


def load_table(path: Path = TABLE_FILE) -> FidelityTable:
    """Read the file. Raises `TableFileError`."""
    try:
        document = json.loads(path.read_text("utf-8"))
        if document["format"] != FORMAT:
            raise TableFileError(
                f"{path.name}: expected format {FORMAT}, found {document['format']}"
            )
        entries = dict(_entries(document["entries"]))
        table = FidelityTable(document["versions"], document["titles"], entries)
    except FileNotFoundError:
        raise TableFileError(f"{path.name}: does not exist; write it with make fidelity") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TableFileError(
            f"{path.name}: is not a fidelity table ({error!r}); write it again with make fidelity"
        ) from None
    if problem := next(_entry_problems(table), ""):
        raise TableFileError(f"{path.name}: {problem}; write it again with make fidelity")
    return table


def _entry_problems(table: FidelityTable) -> Iterator[str]:
    """Yield a sentence for each entry that is missing, or has no case or instrumentor."""
    expected = {
        (framework, case, instrumentor)
        for framework, titles in table.titles.items()
        for case in titles
        for instrumentor in table.versions
    }
    for key in sorted(expected ^ table.entries.keys()):
        framework, case, instrumentor = key
        problem = "is missing" if key in expected else "has no such case or instrumentor"
        yield f"the entry of {framework}/{case}, {instrumentor}, {problem}"


def _entries(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[EntryKey, TableEntry]]:
    for name, row in rows.items():
        framework, _, case = name.partition("/")
        for instrumentor, entry in row.items():
            yield (framework, case, instrumentor), _entry_from_json(entry)


def _entry_to_json(entry: TableEntry) -> dict[str, Any]:
    if entry.not_applicable:
        return {"none": entry.not_applicable}
    if entry.problem:
        return {"problem": entry.problem}
    return {measure: [count.trace, count.ledger] for measure, count in entry.counts.items()}


def _entry_from_json(entry: Mapping[str, Any]) -> TableEntry:
    if "none" in entry or "problem" in entry:
        return TableEntry(not_applicable=entry.get("none", ""), problem=entry.get("problem", ""))
    counts = {
        measure: FidelityCount(happened, recorded)
        for measure, (recorded, happened) in entry.items()
    }
    return TableEntry(counts)


def _json_lines(value: Mapping[str, Any], depth: int, indent: int = 2) -> str:
    """Format an object with one value per line, down to that depth."""
    lines = (
        f"{' ' * indent}{_json_line(name)}: "
        + (_json_lines(item, depth - 1, indent + 1) if depth > 1 else _json_line(item))
        for name, item in value.items()
    )
    return "{\n" + ",\n".join(lines) + "\n" + " " * (indent - 1) + "}"


def _json_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

"""The records of a service: a JSONL file, one object per line, whose fields are all texts."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

Record = TypeVar("Record")


class RecordsError(Exception):
    """Raised when a file's records cannot be read; it names the file without its folder."""


def read_jsonl_records(path: Path, kind: type[Record]) -> tuple[Record, ...]:
    """Read a file's records, each as a dataclass whose fields are texts.

    Raises `RecordsError` at the first line without a record, and if there is no line.
    """
    try:
        lines = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise RecordsError(f"{path.name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RecordsError(f"{path.name}: not UTF-8 ({error.reason})") from error
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise RecordsError(f"{path.name}: contains no record")
    return tuple(_parse(f"{path.name}:{number}", line, kind) for number, line in numbered)


def _parse(location: str, line: str, kind: Any) -> Any:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise RecordsError(f"{location}: not JSON: {error.msg}, column {error.colno}") from error
    names = [field.name for field in fields(kind)]
    values = data if isinstance(data, dict) else {}
    for name in names:
        if not isinstance(values.get(name), str):
            raise RecordsError(
                f"{location}: no {name!r}; a record has {', '.join(names)}, each a text"
            )
    return kind(**{name: values[name] for name in names})

"""A record: what a service knows, a JSON object a line of its file, each field of it a text."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

Kind = TypeVar("Kind")


class Unreadable(Exception):
    """Raised when a file's records cannot be read; it names the file without its folder."""


def read(path: Path, kind: type[Kind]) -> tuple[Kind, ...]:
    """The records of a file, each as a dataclass whose fields are texts. Raises `Unreadable` at the
    first line that holds none, and where there is no line."""
    try:
        lines = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise Unreadable(f"{path.name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path.name}: not UTF-8 ({error.reason})") from error
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise Unreadable(f"{path.name}: holds no record")
    return tuple(_read(f"{path.name}:{number}", line, kind) for number, line in numbered)


def _read(at: str, line: str, kind: Any) -> Any:
    try:
        spelt = json.loads(line)
    except json.JSONDecodeError as error:
        raise Unreadable(f"{at}: not JSON: {error.msg}, column {error.colno}") from error
    wanted = [field.name for field in fields(kind)]
    given = spelt if isinstance(spelt, dict) else {}
    for name in wanted:
        if not isinstance(given.get(name), str):
            raise Unreadable(f"{at}: no {name!r}; a record has {', '.join(wanted)}, each a text")
    return kind(**{name: given[name] for name in wanted})

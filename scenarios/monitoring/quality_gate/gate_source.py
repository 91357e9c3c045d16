"""Check the keys and values of a quality gate's file; each error names the line and the fix."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

TEXT, NUMBER, COUNT, FLAG, TEXTS, THRESHOLDS = (
    "a text",
    "a number of at least 0",
    "a whole number of at least 0",
    "true or false",
    "a list of texts",
    "a table of numbers, one per scorer",
)
KEYS: Mapping[str, Mapping[str, str]] = {
    "traces": {"since": TEXT, "experiment": TEXT, "scenarios": FLAG, "at_least": COUNT},
    "evaluation": {
        "expectations": TEXT,
        "scorers": TEXT,
        "baseline": TEXT,
        "at_least": THRESHOLDS,
        "at_most": THRESHOLDS,
    },
    "diagnosis": {"max_findings": COUNT, "allowed": TEXTS},
    "alerts": {"file": TEXT},
    "cost": {
        "usd_total": NUMBER,
        "usd_per_run": NUMBER,
        "tokens_total": NUMBER,
        "tokens_per_run": NUMBER,
    },
}
"""The sections of a file, their keys, and what each key expects."""


class GateFileError(Exception):
    """The file of a gate is invalid; the message says where, what is expected, and the fix."""


@dataclass(frozen=True)
class GateSource:
    """The text of a file; its errors name the line, the nearest name and the fix."""

    path: Path
    text: str

    def error(self, section: str, key: str, problem: str) -> GateFileError:
        line = self._find_line(section, key)
        place = f", line {line}" if line else ""
        return GateFileError(f"{self.path}{place}: {problem}")

    def check_key(self, section: str, key: str, known: Iterable[str]) -> None:
        kind = f"key of [{section}]" if section else "section"
        self.check_name(section, key, key, known, kind)

    def check_name(
        self, section: str, key: str, name: str, known: Iterable[str], kind: str
    ) -> None:
        """Raise `GateFileError` with the nearest name if the name is not known."""
        names = list(known)
        if name in names:
            return
        nearest = get_close_matches(name, names, n=1)
        fix = f"did you mean {nearest[0]}? Rename it" if nearest else f"use {', '.join(names)}"
        raise self.error(section, key, f"unknown {kind} {name!r}; {fix}, or remove it")

    def check_value(self, section: str, key: str, value: Any) -> None:
        expected = KEYS[section][key]
        checks = {
            TEXT: isinstance(value, str) and bool(value.strip()),
            NUMBER: _is_number(value),
            COUNT: _is_number(value) and isinstance(value, int),
            FLAG: isinstance(value, bool),
            TEXTS: isinstance(value, list) and all(isinstance(one, str) for one in value),
            THRESHOLDS: isinstance(value, dict) and all(map(_is_number, value.values())),
        }
        if not checks[expected]:
            raise self.error(section, key, f"{key} must be {expected}, found {value!r}; correct it")

    def find_file(self, section: str, key: str, table: Mapping[str, Any]) -> Path | None:
        """The file that a key names, relative to this one; None if the key is missing."""
        if key not in table:
            return None
        file = self.path.parent / str(table[key])
        if not file.is_file():
            raise self.error(section, key, f"there is no file {file}; correct {key}")
        return file

    def _find_line(self, section: str, key: str) -> int | None:
        """The number of the line that sets a key, or that begins a section."""
        current, name = "", re.escape(key)
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
                current = header[1]
                if current == ".".join(filter(None, (section, key))) or (
                    not section and re.match(rf"{name}(\.|$)", current)
                ):
                    return number
            elif current == section and re.match(rf"\s*[\"']?{name}[\"']?\s*[=.]", line):
                return number
        return None


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0

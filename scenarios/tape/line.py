"""A line: one exchange on a tape, with the rule that says which request it answers.

Its keys are described in tape.py. A line is checked whole when it is read, so that a run never
stumbles over it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from scenarios.tape.grammar import checked
from scenarios.tape.request import CHAT
from scenarios.tape.spelling import LineError


@dataclass(frozen=True, eq=False)
class Line:
    """One exchange; `number` is its line in `file`, from 1, `first_call` numbers its tool calls."""

    file: str
    number: int
    lane: str
    origin: str
    path: str = CHAT
    method: str = "POST"
    when: re.Pattern[str] | None = None
    reply: Mapping[str, Any] | None = None
    digest: str | None = None
    request: Any = None
    response: Mapping[str, Any] | None = None
    recorded: Mapping[str, Any] | None = None
    note: str = ""
    first_call: int = 1

    @property
    def at(self) -> str:
        return f"{self.file}:{self.number}"

    @property
    def rule(self) -> str:
        """The condition as a person reads it."""
        if self.when is not None:
            return self.when.pattern
        return "as recorded" if self.digest else "(always)"

    def __str__(self) -> str:
        return f"{self.at} [{self.lane}] {self.rule}"


def read_line(file: str, number: int, raw: bytes) -> Line:
    """The line that `raw`, a line of a tape that is not blank, spells; else LineError."""
    try:
        spelt = orjson.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        raise LineError(f"not UTF-8: byte {error.start + 1} of the line is {byte:#04x}") from error
    except orjson.JSONDecodeError as error:
        raise LineError(f"not JSON: {error.msg}, column {error.colno}") from error
    return Line(file, number, **checked(spelt))

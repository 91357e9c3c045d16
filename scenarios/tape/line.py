"""A line: one exchange on a tape, with the rule that says which request it answers.

Its keys are described in tape.py. A line is checked whole when it is read, so that a run never
stumbles over it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from scenarios.tape.condition import Condition
from scenarios.tape.json_checks import LineError, once
from scenarios.tape.json_depth import DEEPEST, nested
from scenarios.tape.line_validation import checked
from scenarios.tape.placeholders import Value, captures_used, given
from scenarios.tape.request import CHAT, COMPLETIONS, EMBEDDINGS


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """One exchange; `number` is its line in `file`, from 1, `first_call` numbers its tool calls."""

    file: str
    number: int
    lane: str
    origin: str
    path: str = CHAT
    method: str = "POST"
    when: Condition | None = None
    reply: Mapping[str, Any] | None = None
    digest: str | None = None
    request: Any = None
    response: Mapping[str, Any] | None = None
    recorded: Mapping[str, Any] | None = None
    note: str = ""
    first_call: int = 1

    @property
    def inputs(self) -> frozenset[str]:
        """The inputs of the run that it is to be filled with: what it uses and has not captured."""
        if self.reply is None or self.path in (*COMPLETIONS, EMBEDDINGS):
            return frozenset()
        captured = self.when.groups if self.when else ()
        used = captures_used([self.path, self.reply])
        return frozenset(name for name in used if name not in captured)

    def given(self, inputs: Mapping[str, Value]) -> "Line":
        """The line with these inputs filled in."""
        if not self.inputs:
            return self
        own = {name: inputs[name] for name in self.inputs}
        return replace(self, path=str(given(self.path, own)), reply=given(self.reply, own))

    def answers(self, method: str, path: str) -> bool:
        """Whether it is asked for there. What a model says, it says by either of its APIs."""
        said_anywhere = self.path == CHAT and self.reply is not None
        paths = COMPLETIONS if said_anywhere else (self.path,)
        return method == self.method and path in paths

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
    if nested(spelt):
        raise LineError(f"it is nested more than {DEEPEST} levels deep")
    once(spelt, raw)
    return Line(file, number, **checked(spelt))

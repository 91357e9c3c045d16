"""A line: one exchange on a tape, with the rule that says which request it answers.

Its keys are described in tape.py. A line is checked whole when it is read, so that a run never
stumbles over it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from scenarios.tape.condition import Condition
from scenarios.tape.json_checks import LineError, reject_duplicate_keys
from scenarios.tape.json_depth import MAX_DEPTH, exceeds_max_depth
from scenarios.tape.line_validation import validate_line
from scenarios.tape.placeholders import InputValue, fill_inputs, placeholder_names
from scenarios.tape.request import CHAT_PATH, COMPLETION_PATHS, EMBEDDINGS_PATH


@dataclass(frozen=True, eq=False, slots=True)
class TapeLine:
    """One exchange; `number` is its line in `file`, from 1, `first_call` numbers its tool calls."""

    file: str
    number: int
    lane: str
    origin: str
    path: str = CHAT_PATH
    method: str = "POST"
    when: Condition | None = None
    reply: Mapping[str, Any] | None = None
    digest: str | None = None
    request: Any = None
    response: Mapping[str, Any] | None = None
    recorded: Mapping[str, Any] | None = None
    note: str = ""
    first_tool_call: int = 1

    @property
    def input_names(self) -> frozenset[str]:
        """The inputs of the run that it is to be filled with: what it uses and has not captured."""
        if self.reply is None or self.path in (*COMPLETION_PATHS, EMBEDDINGS_PATH):
            return frozenset()
        captured = self.when.groups if self.when else ()
        used = placeholder_names([self.path, self.reply])
        return frozenset(name for name in used if name not in captured)

    def with_inputs(self, inputs: Mapping[str, InputValue]) -> "TapeLine":
        """The line with these inputs filled in."""
        if not self.input_names:
            return self
        own = {name: inputs[name] for name in self.input_names}
        return replace(
            self, path=str(fill_inputs(self.path, own)), reply=fill_inputs(self.reply, own)
        )

    def serves_endpoint(self, method: str, path: str) -> bool:
        """Whether it is asked for there. What a model says, it says by either of its APIs."""
        said_anywhere = self.path == CHAT_PATH and self.reply is not None
        paths = COMPLETION_PATHS if said_anywhere else (self.path,)
        return method == self.method and path in paths

    @property
    def location(self) -> str:
        return f"{self.file}:{self.number}"

    @property
    def condition_text(self) -> str:
        """The condition as a person reads it."""
        if self.when is not None:
            return self.when.pattern
        return "as recorded" if self.digest else "(always)"

    def __str__(self) -> str:
        return f"{self.location} [{self.lane}] {self.condition_text}"


def parse_line(file: str, number: int, raw: bytes) -> TapeLine:
    """The line that `raw`, a line of a tape that is not blank, spells; else LineError."""
    try:
        spelt = orjson.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        raise LineError(f"not UTF-8: byte {error.start + 1} of the line is {byte:#04x}") from error
    except orjson.JSONDecodeError as error:
        raise LineError(f"not JSON: {error.msg}, column {error.colno}") from error
    if exceeds_max_depth(spelt):
        raise LineError(f"it is nested more than {MAX_DEPTH} levels deep")
    reject_duplicate_keys(spelt, raw)
    return TapeLine(file, number, **validate_line(spelt))

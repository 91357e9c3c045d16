"""One line of a tape: an exchange, and the condition that a request must meet to be answered by it.

The keys of a line are described in `docs/reference/tape.md`. A line is validated completely when it
is read, so that no run fails halfway because of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from scenarios.tape.condition import Condition
from scenarios.tape.header import TapeHeader, is_header, parse_header
from scenarios.tape.json_checks import (
    MAX_DEPTH,
    LineError,
    exceeds_max_depth,
    reject_duplicate_keys,
)
from scenarios.tape.line_validation import validate_line
from scenarios.tape.placeholders import InputValue, fill_inputs, placeholder_names
from scenarios.tape.requests.recorded_request import is_recorded_request, matches_path
from scenarios.tape.requests.request import CHAT_PATH, COMPLETION_PATHS, EMBEDDINGS_PATH, Request


@dataclass(frozen=True, eq=False, slots=True)
class TapeLine:
    """One exchange of a tape.

    `number` is its line number in `file`, from 1. `first_tool_call` is the number, within the lane,
    of the first tool call in its reply.
    """

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
        """The inputs of the run that it uses: its placeholders without its captures."""
        if self.reply is None or self.path in (*COMPLETION_PATHS, EMBEDDINGS_PATH):
            return frozenset()
        captures = self.when.groups if self.when else ()
        names = placeholder_names([self.path, self.reply])
        return frozenset(name for name in names if name not in captures)

    def with_inputs(self, inputs: Mapping[str, InputValue]) -> "TapeLine":
        """Return a copy with the inputs of a run filled in."""
        if not self.input_names:
            return self
        used = {name: inputs[name] for name in self.input_names}
        return replace(
            self, path=str(fill_inputs(self.path, used)), reply=fill_inputs(self.reply, used)
        )

    def serves_endpoint(self, method: str, path: str) -> bool:
        """Return whether it can answer requests to an endpoint.

        A chat line that is scripted, or that comes from a trace, serves both APIs, Chat Completions
        and Responses.
        """
        if self.path == CHAT_PATH and self.digest is None:
            return method == self.method and path in COMPLETION_PATHS
        return method == self.method and matches_path(self.path, path)

    def answers(self, request: Request) -> bool:
        """Return whether a recorded line was recorded for this request; True for a scripted one.

        Raises:
            SearchTimeoutError: The search in a conversation with redacted parts took too long.
        """
        return is_recorded_request(self.digest, self.request, request)

    @property
    def location(self) -> str:
        """`FILE:LINE`"""
        return f"{self.file}:{self.number}"

    @property
    def condition_text(self) -> str:
        """The condition, for people."""
        if self.when is not None:
            return self.when.pattern
        return "as recorded" if self.response is not None else "(always)"

    def __str__(self) -> str:
        return f"{self.location} [{self.lane}] {self.condition_text}"


def parse_line(file: str, number: int, raw: bytes) -> TapeLine | TapeHeader:
    """Parse a line of a tape, `raw`, which is not blank. Raises `LineError`."""
    try:
        fields = orjson.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        raise LineError(f"not UTF-8: byte {error.start + 1} of the line is {byte:#04x}") from error
    except orjson.JSONDecodeError as error:
        raise LineError(f"not JSON: {error.msg}, column {error.colno}") from error
    if exceeds_max_depth(fields):
        raise LineError(f"nested more than {MAX_DEPTH} levels deep")
    reject_duplicate_keys(fields, raw)
    if is_header(fields):
        return parse_header(fields)
    return TapeLine(file, number, **validate_line(fields))

"""Read a tape: a JSONL file of exchanges, recorded or scripted, that a run can be answered from.

    tape = Tape.load("scenarios/catalog/review_goes_well/tape.jsonl")

A tape is UTF-8: one JSON object per line, in an order for human readers, each served once. The keys
of its lines and its header are described in `docs/reference/tape.md`. Which line answers a request
is decided by content: see `replay/selection/line_selector.py`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path

from instrumentation.input_file import read_input_file
from instrumentation.trace.wording import truncate
from scenarios.tape.header import TapeHeader
from scenarios.tape.json_checks import LineError
from scenarios.tape.line import TapeLine, parse_line
from scenarios.tape.placeholders import InputValue
from scenarios.tape.requests.request import COMPLETION_PATHS
from scenarios.tape.similarity import suggest_nearest

MAX_REPORTED_LINES = 20
"""How many invalid lines an error lists."""
MAX_REASON_CHARS = 400
"""The maximum length of one line's error text."""
INCOMPLETE_LINE_HINT = (
    "; the last line has no newline at its end: if a killed process left it incomplete, delete it"
)


class TapeError(Exception):
    """A tape cannot be read or written. Invalid lines are listed as `FILE:LINE: reason`."""


@dataclass(frozen=True)
class Tape:
    """All lines of a tape file, in file order, and its header."""

    lines: tuple[TapeLine, ...]
    file: str = "tape.jsonl"
    header: TapeHeader = field(default_factory=TapeHeader)

    @classmethod
    def load(cls, path: Path | str) -> "Tape":
        """Read the tape at `path`.

        Raises:
            TapeError: The file cannot be read, or has invalid lines, which the message lists.
        """
        try:
            return cls.parse(read_input_file(path), str(path))
        except (OSError, ValueError) as error:
            raise TapeError(f"{path}: {getattr(error, 'strerror', None) or error}") from error

    @classmethod
    def parse(cls, content: bytes, file: str = "tape.jsonl") -> "Tape":
        """Parse the content of a tape; error messages call it `file`. Raises `TapeError`."""
        lines: list[TapeLine] = []
        errors: list[str] = []
        header = TapeHeader()
        tool_calls_by_lane: Counter[str] = Counter()
        for number, raw in enumerate(BytesIO(content.removeprefix(b"\xef\xbb\xbf")), 1):
            if not raw.strip():
                continue
            try:
                line = parse_line(file, number, raw)
            except LineError as error:
                is_incomplete = "not JSON" in str(error) and not raw.endswith(b"\n")
                hint = INCOMPLETE_LINE_HINT if is_incomplete else ""
                errors.append(f"{file}:{number}: {truncate(str(error), MAX_REASON_CHARS)}{hint}")
                continue
            if isinstance(line, TapeHeader):
                header = header.merge(line)
                continue
            if count := tool_calls_by_lane[line.lane]:
                line = replace(line, first_tool_call=count + 1)
            lines.append(line)
            if line.path in COMPLETION_PATHS and line.reply:
                tool_calls_by_lane[line.lane] += len(line.reply.get("tool_calls") or ())
        if errors:
            raise TapeError("\n".join(_shorten(errors)))
        return cls(tuple(lines), file, header)

    def with_inputs(self, inputs: Mapping[str, InputValue]) -> "Tape":
        """Return a copy with the inputs of a run filled in.

        Raises:
            TapeError: A line uses a placeholder that is neither a capture nor an input.
        """
        unknown = [
            f"{line.location}: ${{{name}}} is neither a capture of the line nor an input of the run"
            + suggest_nearest(name, tuple(inputs))
            for line in self.lines
            for name in sorted(line.input_names - inputs.keys())
        ]
        if unknown:
            raise TapeError("\n".join(unknown))
        return replace(self, lines=tuple(line.with_inputs(inputs) for line in self.lines))

    @cached_property
    def lanes(self) -> tuple[str, ...]:
        """All lanes, in order of first appearance."""
        return tuple(dict.fromkeys(line.lane for line in self.lines))

    def lane_for_path(self, method: str, path: str, lane_header: str | None) -> str | None:
        """Return the lane that serves an endpoint, or None.

        If several lanes do, the client's `lane_header` decides; else the first one is taken.
        """
        lanes = self._lanes_by_endpoint.get((method, path)) or {
            line.lane: None for line in self._redacted_lines if line.serves_endpoint(method, path)
        }
        return lane_header if lane_header in lanes else next(iter(lanes), None)

    @cached_property
    def _redacted_lines(self) -> tuple[TapeLine, ...]:
        """The recorded lines whose path was redacted, and so matches several."""
        return tuple(line for line in self.lines if "[redacted: " in line.path)

    @cached_property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoints that the tape answers, each "METHOD path", sorted."""
        return tuple(sorted(f"{method} {path}" for method, path in self._lanes_by_endpoint))

    @cached_property
    def _lanes_by_endpoint(self) -> dict[tuple[str, str], dict[str, None]]:
        lanes: dict[tuple[str, str], dict[str, None]] = {}
        for line in self.lines:
            lanes.setdefault((line.method, line.path), {})[line.lane] = None
        return lanes


def _shorten(errors: list[str]) -> list[str]:
    if len(errors) <= MAX_REPORTED_LINES:
        return errors
    return [*errors[:MAX_REPORTED_LINES], f"{len(errors)} invalid lines in total"]

r"""A tape: the exchanges that a run may be answered with, one a line, recorded or scripted.

A tape is JSONL in UTF-8: a JSON object a line, blank lines allowed, in the order in which a person
would read them. Which line answers a request is decided by content: see reel.py. The keys:

`lane`      who asks: the agent's name, as its client sends it in `x-agent-name`; for an application
            that sends none, `~` and 12 hex digits, a fingerprint of its system prompt and tool
            names; for an outside service a name of your choice.
`origin`    `"scripted"` (a person wrote the reply) or `"recorded"` (a live endpoint gave it).
`when`      a Python regular expression, searched in the rendered request (conversation.py; for an
            outside service `METHOD path?query`, a newline, the body as compact JSON, keys sorted).
            `^` and `$` match at each line; `.` stays within one unless you write `(?s)`.
            Absent: it always holds. A search that is not over in a second is given up, and the
            request is refused: a repeat within a repeat (`(a|a)*$`) may have no end.
`path`      `/v1/chat/completions` unless given; `/v1/responses`; `/v1/embeddings`; any other is an
            outside service, and may use inputs of the run, as its reply may:
            `/v2/country/${country}`. A scripted line of a chat answers a request of the Responses
            API, too, which reads as a chat does; one of `/v1/responses` answers no other.
`method`    `POST` unless given.
`note`      why the line is here, where its figures come from.

A scripted line has a `reply`. In its strings `${name}` is the text that the group `(?P<name>…)` of
`when` captured; other dollars are plain, and `$${` spells `${`. A capture may hold quotes: where
JSON is meant, write an object and not a string that is JSON.

chat:       {"content": string, null, or an object, which is written as JSON;
             "tool_calls": [{"name", "arguments": object, or a string to be malformed, "id"?}, …],
             "finish_reason"?, "reasoning_content"?, "refusal"?,
             "usage"?: {"prompt_tokens", "completion_tokens"}}
            Without `usage` tokens are counted in the real request and reply: words and punctuation.
            Without `id` a tool call is `call_<lane>_<n>`, the nth that the lane's lines ask for.
embeddings: {"embeddings": [[number, …], …], "usage"?}
service:    {"status"?: 200, "json": … or "text": string}
            It may use the inputs of the run (scenarios/inputs.py) too; a string that is one use and
            no more becomes the input itself: `"${value}"` a number where the input is a number.

A recorded line has, in place of a reply:

`digest`    `sha256:…` of the canonical request (request.py).
`request`   the canonical request, for the diff when a later request differs.
`response`  {"status": 200, "body": …} or {"status": 200, "frames": ["data: …", …]}, the server-sent
            events as they came, or {"status", "text"}.
`recorded`  {"model", "at"}: which model answered, and when.

Each line is played once.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path

from scenarios.tape.json_checks import LineError, suggest_nearest
from scenarios.tape.line import TapeLine, parse_line
from scenarios.tape.placeholders import InputValue
from scenarios.tape.request import COMPLETION_PATHS

MAX_REPORTED_LINES = 20
"""How many broken lines are named."""
MAX_REASON_CHARS = 400
"""How much is said of one, in characters."""
INCOMPLETE_LINE_HINT = "; it is the last, and not ended: if a kill left it half written, remove it"


class TapeError(Exception):
    """Raised when a tape can't be read; one line `FILE:LINE: reason` for each broken line."""


@dataclass(frozen=True)
class Tape:
    """All lines of a tape file, in its order."""

    lines: tuple[TapeLine, ...]
    file: str = "tape.jsonl"

    @classmethod
    def load(cls, path: Path | str) -> "Tape":
        """The tape at `path`; TapeError if it is missing, or names every line that is broken."""
        try:
            if Path(path).is_char_device() or Path(path).is_block_device():
                raise ValueError("is a device, which may have no end, and no tape")
            return cls.parse(Path(path).read_bytes(), str(path))
        except (OSError, ValueError) as error:
            raise TapeError(f"{path}: {getattr(error, 'strerror', None) or error}") from error

    @classmethod
    def parse(cls, content: bytes, file: str = "tape.jsonl") -> "Tape":
        """The tape that `content` spells; `file` is what errors call it."""
        lines: list[TapeLine] = []
        broken: list[str] = []
        asked: Counter[str] = Counter()
        for number, raw in enumerate(BytesIO(content.removeprefix(b"\xef\xbb\xbf")), 1):
            if not raw.strip():
                continue
            try:
                line = parse_line(file, number, raw)
            except LineError as error:
                half = (
                    INCOMPLETE_LINE_HINT
                    if "not JSON" in str(error) and not raw.endswith(b"\n")
                    else ""
                )
                broken.append(f"{file}:{number}: {_truncate(str(error))}{half}")
                continue
            if calls := asked[line.lane]:
                line = replace(line, first_tool_call=calls + 1)
            lines.append(line)
            if line.path in COMPLETION_PATHS and line.reply:
                asked[line.lane] += len(line.reply.get("tool_calls") or ())
        if broken:
            more = (
                [f"{len(broken)} lines are broken in all"]
                if len(broken) > MAX_REPORTED_LINES
                else []
            )
            raise TapeError("\n".join(broken[:MAX_REPORTED_LINES] + more))
        return cls(tuple(lines), file)

    def with_inputs(self, inputs: Mapping[str, InputValue]) -> "Tape":
        """The tape with the inputs of a run filled in; TapeError where a line uses another one."""
        unknown = [
            f"{line.location}: ${{{name}}} is neither captured nor an input of the run"
            + suggest_nearest(name, tuple(inputs))
            for line in self.lines
            for name in sorted(line.input_names - inputs.keys())
        ]
        if unknown:
            raise TapeError("\n".join(unknown))
        return replace(self, lines=tuple(line.with_inputs(inputs) for line in self.lines))

    @cached_property
    def lanes(self) -> tuple[str, ...]:
        """The lanes, in the order in which they first appear."""
        return tuple(dict.fromkeys(line.lane for line in self.lines))

    def lane_for_path(self, method: str, path: str, lane_header: str | None) -> str | None:
        """The lane that `path` belongs to: the one that the client named if it has such lines."""
        lanes = self._lanes_by_endpoint.get((method, path), {})
        return lane_header if lane_header in lanes else next(iter(lanes), None)

    @cached_property
    def endpoints(self) -> tuple[str, ...]:
        """What can be asked, each a method and a path, in alphabetical order."""
        return tuple(sorted(f"{method} {path}" for method, path in self._lanes_by_endpoint))

    @cached_property
    def _lanes_by_endpoint(self) -> dict[tuple[str, str], dict[str, None]]:
        lanes: dict[tuple[str, str], dict[str, None]] = {}
        for line in self.lines:
            lanes.setdefault((line.method, line.path), {})[line.lane] = None
        return lanes


def _truncate(reason: str) -> str:
    return reason if len(reason) <= MAX_REASON_CHARS else reason[: MAX_REASON_CHARS - 1] + "…"

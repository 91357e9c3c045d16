"""Explain why no line of a tape answers a request: nearest line, difference, and fix."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from instrumentation.redaction import DEFAULT_REDACTION
from instrumentation.trace.wording import truncate
from scenarios.replay.selection.nearest_line import explain_difference, find_nearest_line
from scenarios.reports.wording import count_of, list_words
from scenarios.tape.line import TapeLine
from scenarios.tape.requests.request import Request
from scenarios.tape.similarity import closest_word
from scenarios.tape.tape import Tape
from workflows.model import AGENT_HEADER

REFUSED_STATUS = 422
"""OpenAI's clients retry after 408, 409, 429 and 5xx, but not after 422."""
MAX_EXCERPT_CHARS = 160
"""How much of a request is shown."""


class RequestRefusedError(Exception):
    """A request that the tape does not answer, or that is invalid.

    Secrets and personal data in the message, which quotes the request, are redacted.

    Attributes:
        nearest_line: The unplayed line that comes closest, if any.
    """

    def __init__(
        self,
        message: str,
        lane: str,
        *,
        nearest_line: TapeLine | None = None,
        status: int = REFUSED_STATUS,
        error_type: str = "no_taped_line",
    ) -> None:
        super().__init__(DEFAULT_REDACTION.redact_text(message))
        self.lane = lane
        self.nearest_line = nearest_line
        self.status = status
        self.error_type = error_type


def no_line_error(
    tape: Tape, request: Request, call: int, unplayed: Sequence[TapeLine]
) -> RequestRefusedError:
    """Return the error for a request that no line answers; `unplayed` has those of all lanes."""
    own = [line for line in tape.lines if line.lane == request.lane]
    nearest = find_nearest_line(request, unplayed)
    if not own:
        explanation = _explain_unknown_lane(tape, request, nearest)
    else:
        left = sum(line.lane == request.lane for line in unplayed)
        explanation = [
            f'lane "{request.lane}", call {call}: no line of {tape.file} answers this request.',
            f"The lane has {count_of(len(own), 'line')}, {len(own) - left} of them played.",
            _describe_nearest(request, nearest) if nearest else f"Its last line is {own[-1]}.",
            f"The request ends with: {_quote_end(request.searchable_text)}",
            f"To fix it: {_fix_lane(tape, request, own[-1], nearest)}",
        ]
        if not left:
            explanation.append("To play the tape from its start again: POST /rewind.")
    return RequestRefusedError("\n".join(explanation), request.lane, nearest_line=nearest)


def _describe_nearest(request: Request, line: TapeLine) -> str:
    return f"Nearest unplayed line: {line}\n  {explain_difference(request, line)}"


def _fix_lane(tape: Tape, request: Request, last: TapeLine, nearest: TapeLine | None) -> str:
    """Return what to change if the request's lane is on the tape; `last` is its last line."""
    add_line = f"add a line after {last.location}"
    if nearest is None:
        return f"{add_line}, then {_next_command(tape)}."
    if nearest.lane != request.lane:
        move = f'if {nearest.location} should answer it, change its lane to "{request.lane}"'
        return f"{move}; if not, {add_line}; then {_next_command(tape)}."
    if nearest.response is None:
        return f"edit {nearest.location}, then {_next_command(tape)}."
    return "record the tape again (--mode all), or replay it with --tolerant."


def unknown_path_error(tape: Tape, request: Request) -> RequestRefusedError:
    """Return the error for a path that is neither an API endpoint nor a service on the tape."""
    endpoint = f"{request.method} {truncate(request.path, MAX_EXCERPT_CHARS)}"
    nearest = closest_word(endpoint, tape.endpoints)
    message = (
        f"{endpoint}: the tape {tape.file} has no such path.\n"
        f"It has: {list_words(tape.endpoints) or 'none'}"
        + (f"; nearest: {nearest}.\n" if nearest else ".\n")
        + f'To fix it: add a line with "method": "{request.method}" and "path": '
        f'"{truncate(request.path, MAX_EXCERPT_CHARS)}", or request a path of the tape.'
    )
    return RequestRefusedError(message, request.lane, status=404)


def _explain_unknown_lane(tape: Tape, request: Request, nearest: TapeLine | None) -> list[str]:
    """Explain that no line has the request's lane, and which lane may be meant."""
    if request.lane.startswith("~") and nearest is not None and nearest.response is not None:
        return [
            f"{tape.file}: no lane is recognised by the system prompt of this request."
            f' Did you mean "{nearest.lane}"?',
            _describe_nearest(replace(request, lane=nearest.lane), nearest),
            f"The tape has the lanes: {list_words(tape.lanes)}.",
            "To fix it: record the tape again (--mode all), or replay it with --tolerant.",
        ]
    only_lane = tape.lanes[0] if len(tape.lanes) == 1 else None
    lane = closest_word(request.lane, tape.lanes) or (nearest.lane if nearest else only_lane)
    question = f' Did you mean "{lane}"?' if lane else ""
    header = f"{AGENT_HEADER}: {lane or 'NAME'}"
    if request.lane.startswith("~"):
        head = f"The request has no {AGENT_HEADER} header, which names its lane.{question}"
        source = (
            f'Without it, the lane is "{request.lane}", a fingerprint of the system prompt and the'
            f" tool names; {tape.file} has no such lane."
        )
        fix = f'send the header "{header}" from this agent\'s client'
    else:
        head = f'{tape.file} has no lane "{request.lane}".{question}'
        source = f"The lane comes from the client's {AGENT_HEADER} header."
        fix = f'change the header to "{header}"'
    return [
        head,
        source,
        f"The tape has the lanes: {list_words(tape.lanes) or 'none'}.",
        f'To fix it: {fix} (in Python: OpenAI(default_headers={{"{AGENT_HEADER}": …}})),'
        f' or give a line the lane "{request.lane}" and {_next_command(tape)}.',
    ]


def _next_command(tape: Tape) -> str:
    """Return the step after an edit: for a scenario's tape, or for one that is served alone."""
    path = Path(tape.file)
    if path.name == "tape.jsonl" and (path.parent / "scenario.py").exists():
        return f"python -m scenarios accept {path.parent.name}"
    return "restart the server"


def _quote_end(text: str) -> str:
    return repr(text if len(text) <= MAX_EXCERPT_CHARS else "…" + text[-MAX_EXCERPT_CHARS:])

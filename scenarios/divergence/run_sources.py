"""Read a run: from a file with a trace or a tape, or from the MLflow store by its id."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from instrumentation.trace import Trace, TraceNotFoundError
from instrumentation.trace.canonical_json import mask_volatile_ids
from instrumentation.trace.completions import Completion, list_completions
from instrumentation.trace.lookup import fetch_run, fetch_trace
from instrumentation.trace.trace_file import load_traces
from scenarios.divergence.run_record import RecordedRun, RunCall
from scenarios.openai_api.chat_completion import parse_chat_completion
from scenarios.openai_api.responses import parse_response
from scenarios.openai_api.stream_assembly import assemble_stream
from scenarios.replay.request_parsing import lane_fingerprint
from scenarios.tape.line import TapeLine
from scenarios.tape.requests.conversation import to_chat_request
from scenarios.tape.requests.request import COMPLETION_PATHS, RESPONSES_PATH, canonicalize
from scenarios.tape.tape import Tape, TapeError
from scenarios.trace_store.trace_argument import find_trace_file
from scenarios.trace_store.tracking_uri import require_existing

TRACE_ID_PREFIX = "tr-"
EXPECTED_SOURCE = (
    "a file with a trace or a tape, the id of a trace (tr-…), or the id of a run (its tag"
    " flight_recorder.run)"
)
RUN_ID_CHARS = 32
"""The length of a run's id, in hexadecimal digits."""


def load_run(source: str, tracking_uri: str) -> RecordedRun:
    """Read a run.

    Args:
        source: A file (a trace in any readable format, or a tape), the id of a trace in the store,
            or the id of a run (the tag `flight_recorder.run`).
        tracking_uri: The MLflow store.

    Raises:
        TraceNotFoundError: There is no such file or trace, it cannot be read, or it has several
            runs.
        TapeError: The tape is invalid.
        StoreUnavailableError: The store does not answer.
    """
    path = find_trace_file(source, EXPECTED_SOURCE)
    if path and is_tape(path):
        return load_tape_run(path)
    return run_from_trace(load_trace_source(source, tracking_uri), source)


def load_trace_source(source: str, tracking_uri: str) -> Trace:
    """Read the trace of one run from a file, or from the store. Raises as `load_run` does."""
    path = find_trace_file(source, EXPECTED_SOURCE)
    return load_trace(path) if path else fetch_by_id(source, tracking_uri)


def load_all_traces(source: str, tracking_uri: str) -> Trace:
    """Read all traces of a file as one run, or those of an id from the store.

    An instrumentor that loses the connection between spans writes one trace per completion.
    """
    path = find_trace_file(source, EXPECTED_SOURCE)
    if path is None:
        return fetch_by_id(source, tracking_uri)
    traces = load_traces(path)
    if len(traces) == 1:
        return traces[0]
    return Trace(tuple(root for trace in traces for root in trace.roots))


def is_tape(path: Path) -> bool:
    """Whether the file's first line is one of a tape."""
    try:
        with path.open("rb") as file:
            first = next((line for line in file if line.strip()), b"")
        fields = orjson.loads(first)
    except (OSError, orjson.JSONDecodeError):
        return False
    return isinstance(fields, dict) and bool({"lane", "lanes"} & fields.keys())


def load_trace(path: Path) -> Trace:
    """Read the only run of a file. Raises `TraceNotFoundError` if it has several."""
    traces = load_traces(path)
    if len(traces) > 1:
        raise TraceNotFoundError(
            f"{path}: expected one run, found {len(traces)}; export one of them, for instance with"
            " `mlflow traces get --trace-id ID`"
        )
    return traces[0]


def fetch_by_id(id: str, tracking_uri: str) -> Trace:
    """Fetch a trace, or all traces of a run, from the store.

    Raises:
        TraceNotFoundError: It is neither a file nor the id of a trace or a run of the store.
    """
    if id.startswith(TRACE_ID_PREFIX):
        return fetch_trace(id, require_existing(tracking_uri))
    if len(id) == RUN_ID_CHARS and set(id) <= set("0123456789abcdef"):
        return fetch_run(id, require_existing(tracking_uri))
    raise TraceNotFoundError(f"{id}: no such file; expected {EXPECTED_SOURCE}")


def run_from_trace(trace: Trace, source: str) -> RecordedRun:
    """Build the calls of a trace: its completions."""
    numbers: Counter[str] = Counter()
    calls = []
    for position, completion in enumerate(list_completions(trace)):
        lane = completion.agent or lane_fingerprint(completion.request)
        numbers[lane] += 1
        calls.append(_call_from_completion(completion, lane, numbers[lane], position))
    root = trace.roots[-1]
    outcome = str(root.attributes.get("flight_recorder.workflow.outcome") or "")
    failed = next((one.status for one in trace.roots if one.failed), root.status)
    return RecordedRun(source, "trace", tuple(calls), failed, outcome)


def _call_from_completion(completion: Completion, lane: str, number: int, position: int) -> RunCall:
    span = completion.span
    messages, settings = _split_request(completion.request)
    has_tokens = bool(span.tokens.total)
    path = RESPONSES_PATH if completion.uses_responses_api else ""
    return RunCall(
        lane,
        number,
        position,
        messages,
        settings,
        _parse_reply(path, completion.reply) if completion.reply else None,
        (mask_volatile_ids(span.status_message) or span.status) if span.failed else "",
        span.tokens.input if has_tokens else None,
        span.tokens.output if has_tokens else None,
        span.cost_usd,
    )


def load_tape_run(path: Path) -> RecordedRun:
    """Read a tape as the run of all its lines, in the order of the file."""
    tape = Tape.load(path)
    if not tape.lines:
        raise TapeError(f"{path}: the tape has no lines, so there is no run to compare")
    numbers: Counter[str] = Counter()
    calls = []
    for position, line in enumerate(tape.lines):
        numbers[line.lane] += 1
        calls.append(_call_from_line(line, numbers[line.lane], position))
    return RecordedRun(str(path), "tape", tuple(calls))


def _call_from_line(line: TapeLine, number: int, position: int) -> RunCall:
    if line.response is None:
        # A condition takes the place of the request, because a scripted line has no request.
        condition = [{"role": "when", "content": line.condition_text}]
        reply = _mask(dict(line.reply or {}))
        return RunCall(line.lane, number, position, condition, reply=reply)
    if line.path not in COMPLETION_PATHS:
        target = {"role": f"{line.method} {line.path}", "content": _text(line.request)}
        content = next(
            (line.response[key] for key in ("body", "text", "frames") if key in line.response), None
        )
        reply = {"status": line.response["status"], "content": _mask(content)}
        return RunCall(line.lane, number, position, [_mask(target)], reply=reply)
    frames = line.response.get("frames")
    body = line.response.get("body") if frames is None else assemble_stream(frames)
    messages, settings = _split_request(line.request)
    usage = body.get("usage") or {} if isinstance(body, dict) else {}
    return RunCall(
        line.lane,
        number,
        position,
        messages,
        settings,
        _parse_reply(line.path, body),
        input_tokens=usage.get("prompt_tokens", usage.get("input_tokens")),
        output_tokens=usage.get("completion_tokens", usage.get("output_tokens")),
    )


def _split_request(
    request: Any,
) -> tuple[list[Mapping[str, Any]] | None, dict[str, Any]]:
    """The messages of a request, and everything else in it, both without volatile ids."""
    if not isinstance(request, Mapping):
        return None, {}
    chat = dict(_mask(canonicalize(dict(to_chat_request(canonicalize(dict(request)))))))
    messages = chat.pop("messages", None)
    if not chat.get("tools"):
        chat.pop("tools", None)
    return (messages if isinstance(messages, list) else None), chat


def _parse_reply(path: str, body: Any) -> dict[str, Any] | None:
    parsed = parse_response(body) if path == RESPONSES_PATH else parse_chat_completion(body)
    if parsed is None:
        return None
    reply: dict[str, Any] = {"content": _mask(parsed.content or parsed.refusal)}
    if parsed.tool_calls:
        reply["tool_calls"] = [
            {"name": call.name, "arguments": _mask(call.arguments)} for call in parsed.tool_calls
        ]
    return reply


def _mask(value: Any) -> Any:
    """The value without ids, ports and addresses, which differ between any two runs."""
    if isinstance(value, str):
        return mask_volatile_ids(value)
    if isinstance(value, Mapping):
        return {key: _mask(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(inner) for inner in value]
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()

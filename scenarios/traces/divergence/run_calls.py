"""Read the model calls of a run, from a trace or a tape, for the comparison of two runs."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from instrumentation.trace import Trace
from instrumentation.trace.canonical_json import mask_nested_ids, mask_volatile_ids
from instrumentation.trace.completions import Completion, list_completions
from patches.support.completion_attributes import CLOSED_EARLY_ATTRIBUTE
from scenarios.replay.openai_api.chat_completion import parse_chat_completion
from scenarios.replay.openai_api.responses import parse_response
from scenarios.replay.openai_api.stream_assembly import assemble_stream
from scenarios.tape.header import LaneRule
from scenarios.tape.lanes.lane_names import LaneNames
from scenarios.tape.line import TapeLine
from scenarios.tape.requests.conversation import to_chat_request
from scenarios.tape.requests.request import COMPLETION_PATHS, RESPONSES_PATH, canonicalize
from scenarios.tape.tape import Tape, TapeError
from scenarios.traces.divergence.run_record import RecordedRun, RunCall


def run_from_trace(trace: Trace, source: str, like: Tape | None = None) -> RecordedRun:
    """Build the calls of a trace: its completions.

    Agents that it does not name are named as a recording names them, or as on the tape `like`.
    """
    numbers: Counter[str] = Counter()
    calls = []
    unnamed: dict[str, LaneRule] = {}
    names = LaneNames(like, unnamed.__setitem__)
    for position, completion in enumerate(list_completions(trace)):
        lane = completion.agent or names.lane_for_agent(completion.request, None)
        numbers[lane] += 1
        calls.append(_call_from_completion(completion, lane, numbers[lane], position))
    root = trace.roots[-1]
    outcome = str(root.attributes.get("flight_recorder.workflow.outcome") or "")
    status = next((one.status for one in trace.roots if one.failed), root.status)
    return RecordedRun(source, "trace", tuple(calls), status, outcome, unnamed)


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
        is_closed_early=bool(span.attributes.get(CLOSED_EARLY_ATTRIBUTE)),
    )


def run_from_tape(tape: Tape, source: str) -> RecordedRun:
    """Build the calls of a tape: all its lines, in the order of the file."""
    if not tape.lines:
        raise TapeError(f"{source}: the tape has no lines, so there is no run to compare")
    numbers: Counter[str] = Counter()
    calls = []
    for position, line in enumerate(tape.lines):
        numbers[line.lane] += 1
        calls.append(_call_from_line(line, numbers[line.lane], position))
    return RecordedRun(source, "tape", tuple(calls))


def _call_from_line(line: TapeLine, number: int, position: int) -> RunCall:
    if line.response is None:
        # A condition takes the place of the request, because a scripted line has no request.
        condition = [{"role": "when", "content": line.condition_text}]
        reply = mask_nested_ids(dict(line.reply or {}))
        return RunCall(line.lane, number, position, condition, reply=reply)
    if line.path not in COMPLETION_PATHS:
        target = {"role": f"{line.method} {line.path}", "content": _text(line.request)}
        content = next(
            (line.response[key] for key in ("body", "text", "frames") if key in line.response), None
        )
        reply = {"status": line.response["status"], "content": mask_nested_ids(content)}
        return RunCall(line.lane, number, position, [mask_nested_ids(target)], reply=reply)
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
    chat = dict(mask_nested_ids(canonicalize(dict(to_chat_request(canonicalize(dict(request)))))))
    messages = chat.pop("messages", None)
    if not chat.get("tools"):
        chat.pop("tools", None)
    return (messages if isinstance(messages, list) else None), chat


def _parse_reply(path: str, body: Any) -> dict[str, Any] | None:
    parsed = parse_response(body) if path == RESPONSES_PATH else parse_chat_completion(body)
    if parsed is None:
        return None
    reply: dict[str, Any] = {"content": mask_nested_ids(parsed.content or parsed.refusal)}
    if parsed.tool_calls:
        reply["tool_calls"] = [
            {"name": call.name, "arguments": mask_nested_ids(call.arguments)}
            for call in parsed.tool_calls
        ]
    return reply


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()

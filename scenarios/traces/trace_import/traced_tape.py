"""Make a tape of a trace: one line for each completion, and for each traced request of a tool.

A trace holds the conversation, not the bytes. So a line has the messages and tools of its request,
as far as they are recorded, and no digest: it answers the same conversation, whatever the settings.
Everything that the trace lacks is listed as a `Gap`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from instrumentation.trace import Trace
from instrumentation.trace.completions import Completion, list_completions
from scenarios.tape.header import LaneRule, TapeHeader
from scenarios.tape.json_checks import LineError
from scenarios.tape.lanes.lane_names import LaneNames
from scenarios.tape.line import parse_line
from scenarios.tape.placeholders import escape_placeholders
from scenarios.tape.requests.conversation import content_text
from scenarios.tape.requests.recorded_request import PLACEHOLDER
from scenarios.tape.requests.request import RESPONSES_PATH, canonicalize
from scenarios.tape.tape import Tape
from scenarios.traces.trace_import.service_lines import build_service_lines
from scenarios.traces.trace_import.trace_gaps import Gap, find_completion_gaps, find_trace_gaps


@dataclass(frozen=True)
class TracedTape:
    """The lines of a tape that was made of a trace, and what the trace did not hold."""

    lines: tuple[Mapping[str, Any], ...]
    gaps: tuple[Gap, ...]
    header: TapeHeader = field(default_factory=TapeHeader)

    @property
    def content(self) -> bytes:
        header = self.header.to_json()
        lines = (header, *self.lines) if header else self.lines
        return b"".join(orjson.dumps(line) + b"\n" for line in lines)

    @property
    def is_complete(self) -> bool:
        """Whether the tape answers the whole run."""
        return bool(self.lines) and not any(gap.breaks_replay for gap in self.gaps)


def import_trace(trace: Trace) -> TracedTape:
    """Make a tape of a trace.

    Example:
        traced = import_trace(load_traces(Path("trace.json"))[0])
        Path("tape.jsonl").write_bytes(traced.content)
    """
    completions = list_completions(trace)
    rules: dict[str, LaneRule] = {}
    lanes = LaneNames(None, rules.__setitem__)
    lines = list(_completion_lines(completions, lanes))
    service_lines, service_gaps = build_service_lines(trace)
    gaps = [
        *find_trace_gaps(trace, completions),
        *find_completion_gaps(completions),
        *service_gaps,
        *_redaction_gaps(lines),
    ]
    valid = []
    for _, line in sorted([*lines, *service_lines], key=lambda one: one[0]):
        if (gap := _find_invalid(line)) is None:
            valid.append(line)
        else:
            gaps.append(gap)
    traced = TracedTape(tuple(valid), tuple(gaps), TapeHeader(rules))
    Tape.parse(traced.content)  # a line that no tape may have is an error of this module
    return traced


def _completion_lines(
    completions: tuple[Completion, ...], lanes: LaneNames
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each completion that has a reply as a line, with the time at which it started (ns)."""
    for completion in completions:
        if completion.reply is None:
            continue
        lane = lanes.lane_for_agent(completion.request, completion.agent or None)
        line: dict[str, Any] = {"lane": lane}
        if completion.request is None:
            yield completion.span.start_ns, line | _scripted_part(completion.reply)
            continue
        if completion.uses_responses_api:
            line["path"] = RESPONSES_PATH
        line |= {
            "origin": "recorded",
            "request": canonicalize(dict(completion.request)),
            "response": {"status": 200, "body": _body(completion)},
        }
        if completion.model:
            line["recorded"] = {"model": completion.model}
        yield completion.span.start_ns, line | {"note": f"from span {completion.span.name}"}


def _body(completion: Completion) -> dict[str, Any]:
    """The reply as the endpoint's body; usage only if the trace has it."""
    assert completion.reply is not None
    tokens = completion.span.tokens
    id = completion.span.id or "traced"
    if completion.uses_responses_api:
        head = {"id": f"resp_{id}", "object": "response", "created_at": 0, "status": "completed"}
        model = completion.model or "traced"
        usage = {"input_tokens": tokens.input, "output_tokens": tokens.output}
        known = {"usage": usage | {"total_tokens": tokens.total}} if tokens.total else {}
        return head | {"model": model} | known | dict(completion.reply)
    body = {"object": "chat.completion", "created": 0, **completion.reply}
    if completion.model:
        body["model"] = completion.model
    if tokens.total:
        usage = {"prompt_tokens": tokens.input, "completion_tokens": tokens.output}
        body["usage"] = usage | {"total_tokens": tokens.total}
    return {"id": f"chatcmpl-{id}"} | body


def _scripted_part(reply: Mapping[str, Any]) -> dict[str, Any]:
    """The reply as that of a scripted line, which answers any request of its lane."""
    message: Mapping[str, Any] = (
        reply["choices"][0]["message"] if "choices" in reply else {"content": str(reply)}
    )
    content = message.get("content")
    if not isinstance(content, str | None):
        content = content_text(content)
    scripted: dict[str, Any] = {"content": content}
    listed = message.get("tool_calls")
    calls = [
        call.get("function") or {}
        for call in (listed if isinstance(listed, list) else ())
        if isinstance(call, Mapping) and isinstance(call.get("function"), Mapping)
    ]
    if calls:
        scripted["tool_calls"] = [
            {
                "name": str(call.get("name")),
                "arguments": escape_placeholders(str(call.get("arguments"))),
            }
            for call in calls
        ]
    elif content is None:
        scripted["content"] = ""
    return {"origin": "scripted", "reply": escape_placeholders(scripted)}


def _find_invalid(line: Mapping[str, Any]) -> Gap | None:
    """A gap if no tape may have this line, because of what another program recorded."""
    try:
        parse_line("trace", 1, orjson.dumps(line))
    except LineError as error:
        text = f"a reply has an unknown shape ({error}): the tape has no line for it"
        return Gap("reply", str(line["lane"]), text, breaks_replay=True)
    return None


def _redaction_gaps(lines: list[tuple[int, dict[str, Any]]]) -> Iterator[Gap]:
    """One gap per lane and placeholder."""
    found: Counter[tuple[str, str]] = Counter()
    for _, line in lines:
        text = orjson.dumps(line).decode()
        found.update((line["lane"], placeholder) for placeholder in PLACEHOLDER.findall(text))
    for (lane, placeholder), count in sorted(found.items()):
        times = "once" if count == 1 else f"{count} times"
        yield Gap(
            "redacted",
            lane,
            f"{placeholder} is in the trace {times}, in the place of the original text; in a"
            " prompt it matches any text, in a reply the program gets the placeholder",
        )

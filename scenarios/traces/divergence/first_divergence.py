"""Find the first divergence of two runs: the call in which they part, and how it differs.

Later differences are mostly its consequences. Runs of parallel agents have no common order, so the
first divergence is the one that comes early in both runs: if one call was finished before another
one began, in both runs, it is never named after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from scenarios.tape.requests.conversation import content_text, tool_names
from scenarios.tape.requests.drift import Change, compare_requests
from scenarios.traces.divergence.call_pairs import CallPair, align_lanes, pair_calls
from scenarios.traces.divergence.message_changes import MessageChange, compare_messages
from scenarios.traces.divergence.run_record import RecordedRun, RunCall

DivergenceKind = Literal["request", "reply", "only in A", "only in B", "outcome"]


@dataclass(frozen=True)
class Divergence:
    """A pair of calls that differ.

    Attributes:
        kind: "request": the agent asked something else. "reply": it asked the same and got another
            reply. "only in A", "only in B": the other run has no such call. "outcome": all calls
            are the same, but the runs ended differently.
        a: The call in run A.
        b: The call in run B.
        messages: How the conversations differ.
        settings: How the rest of the requests differ, such as tools.
        reply: How the replies differ.
    """

    kind: DivergenceKind
    a: RunCall | None = None
    b: RunCall | None = None
    messages: tuple[MessageChange, ...] = ()
    settings: tuple[Change, ...] = ()
    reply: tuple[MessageChange, ...] = ()

    @property
    def lane(self) -> str:
        call = self.a or self.b
        return call.lane if call else ""


@dataclass(frozen=True)
class Comparison:
    """Two runs, whose lanes have the same names, and their divergences, the first one first.

    Attributes:
        a: The one run.
        b: The other run.
        divergences: Empty if the runs are the same.
        names_in_trace: The agents of a trace that have another name on the tape, by that name.
    """

    a: RecordedRun
    b: RecordedRun
    divergences: tuple[Divergence, ...]
    names_in_trace: Mapping[str, str] = field(default_factory=dict)

    @property
    def first(self) -> Divergence | None:
        return next(iter(self.divergences), None)

    def origin_of(self, change: MessageChange) -> RunCall | None:
        """The call whose reply only one side of a changed message has."""
        run, has, lacks = (
            (self.b, change.after, change.before)
            if change.kind in ("added", "extended")
            else (self.a, change.before, change.after)
        )
        for call in run.calls:
            reply = str((call.reply or {}).get("content") or "").strip()
            if reply and reply in has and reply not in lacks:
                return call
        return None


def compare_runs(a: RecordedRun, b: RecordedRun) -> Comparison:
    """Compare two runs call by call."""
    a, b, names_in_trace = align_lanes(a, b)
    is_mixed = a.kind != b.kind
    pairs = pair_calls(a, b)
    found = [one for pair in pairs if (one := _compare_pair(pair, is_mixed)) is not None]
    ends = len(a.calls), len(b.calls)
    found.sort(key=lambda one: _sort_key(one, *ends))
    if not found and (a.status, a.outcome) != (b.status, b.outcome) and a.kind == b.kind:
        found.append(Divergence("outcome"))
    return Comparison(a, b, tuple(found), names_in_trace)


def _sort_key(divergence: Divergence, end_a: int, end_b: int) -> tuple[int, str]:
    """The position in A plus that in B. A missing call counts as the end of its run."""
    position_a = divergence.a.position if divergence.a else end_a
    position_b = divergence.b.position if divergence.b else end_b
    return position_a + position_b, divergence.lane


def _compare_pair(pair: CallPair, is_mixed: bool) -> Divergence | None:
    a, b = pair
    if a is None or b is None:
        return Divergence("only in B" if a is None else "only in A", a, b)
    requests = (_common_messages(call, is_mixed) for call in (a, b))
    messages = (
        compare_messages(*requests) if a.messages is not None and b.messages is not None else ()
    )
    settings = tuple(_compare_settings(a.settings, b.settings, is_mixed))
    replies = _reply_messages(a), _reply_messages(b)
    reply = () if _is_same_beginning(a, b) else compare_messages(*replies)
    if messages or settings:
        return Divergence("request", a, b, messages, settings, reply)
    return Divergence("reply", a, b, reply=reply) if reply else None


def _is_same_beginning(a: RunCall, b: RunCall) -> bool:
    """Whether one run's program stopped reading the reply that the other one has."""
    texts = [str((call.reply or {}).get("content") or "") for call in (a, b)]
    shorter = min(texts, key=len)
    partial = [text for call, text in zip((a, b), texts, strict=True) if call.is_closed_early]
    return shorter in partial and all(text.startswith(shorter) for text in texts)


def _compare_settings(a: Any, b: Any, is_mixed: bool) -> Iterator[Change]:
    """Compare what both sources hold: a trace holds fewer settings than a tape.

    It holds the schemas of tools as the framework has them, not as they were sent.
    """
    if is_mixed:
        a, b = (_reduce_tools_to_names(settings) for settings in (a, b))
    common = a.keys() & b.keys()
    yield from compare_requests({key: a[key] for key in common}, {key: b[key] for key in common})


def _common_messages(call: RunCall, is_mixed: bool) -> Sequence[Mapping[str, Any]]:
    """The messages; beside a tape, without the names that a trace adds to the results of tools."""
    messages = call.messages or ()
    if not is_mixed:
        return messages
    return [
        {key: value for key, value in one.items() if key != "name" or one.get("role") != "tool"}
        for one in messages
    ]


def _reduce_tools_to_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    names = sorted(tool_names(settings))
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {**settings, "tools": tools} if tools else dict(settings)


def _reply_messages(call: RunCall) -> list[dict[str, Any]]:
    """The reply, or the error in its place, as messages that can be compared."""
    if call.error:
        return [{"role": "error", "content": call.error}]
    if call.reply is None:
        return []
    content = call.reply.get("content")
    known = isinstance(content, str | list | None)
    text = content_text(content) if isinstance(content, list) else content
    message: dict[str, Any] = {"role": "assistant", "content": text if known else repr(content)}
    if calls := call.reply.get("tool_calls"):
        functions = (
            {"name": one.get("name"), "arguments": str(one.get("arguments"))} for one in calls
        )
        message["tool_calls"] = [{"function": function} for function in functions]
    return [message]

"""Find the first divergence of two runs: the call in which they part, and how it differs.

Later differences are mostly its consequences. Runs of parallel agents have no common order, so the
first divergence is the one that comes early in both runs: if one call was finished before another
one began, in both runs, it is never named after it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Literal

from scenarios.divergence.message_changes import MessageChange, compare_messages
from scenarios.divergence.run_record import RecordedRun, RunCall
from scenarios.tape.requests.conversation import content_text, system_prompt
from scenarios.tape.requests.drift import Change, compare_requests

DivergenceKind = Literal["request", "reply", "only in A", "only in B", "outcome"]

MIN_PROMPT_SIMILARITY = 0.5
"""Lanes without a counterpart are one agent if their system prompts are at least this similar."""

CallPair = tuple[RunCall | None, RunCall | None]
"""A call of A and its counterpart in B; None if there is none."""


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
    """Two runs and their divergences, the first one first; empty if they are the same."""

    a: RecordedRun
    b: RecordedRun
    divergences: tuple[Divergence, ...]

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
    found = [one for pair in pair_calls(a, b) if (one := _compare_pair(pair)) is not None]
    ends = len(a.calls), len(b.calls)
    found.sort(key=lambda one: _sort_key(one, *ends))
    if not found and (a.status, a.outcome) != (b.status, b.outcome) and a.kind == b.kind:
        found.append(Divergence("outcome"))
    return Comparison(a, b, tuple(found))


def _sort_key(divergence: Divergence, end_a: int, end_b: int) -> tuple[int, str]:
    """The position in A plus that in B. A missing call counts as the end of its run."""
    position_a = divergence.a.position if divergence.a else end_a
    position_b = divergence.b.position if divergence.b else end_b
    return position_a + position_b, divergence.lane


def _compare_pair(pair: CallPair) -> Divergence | None:
    a, b = pair
    if a is None or b is None:
        return Divergence("only in B" if a is None else "only in A", a, b)
    messages = (
        compare_messages(a.messages, b.messages)
        if a.messages is not None and b.messages is not None
        else ()
    )
    settings = tuple(_compare_settings(a.settings, b.settings))
    reply = compare_messages(_reply_messages(a), _reply_messages(b))
    if messages or settings:
        return Divergence("request", a, b, messages, settings, reply)
    return Divergence("reply", a, b, reply=reply) if reply else None


def _compare_settings(a: Any, b: Any) -> Iterator[Change]:
    """Compare what both sources hold: a trace holds fewer settings than a tape."""
    common = a.keys() & b.keys()
    yield from compare_requests({key: a[key] for key in common}, {key: b[key] for key in common})


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


def pair_calls(a: RecordedRun, b: RecordedRun) -> list[CallPair]:
    """Pair each call of each run with one call of the other, or with None."""
    lanes_in_b = _match_lanes(a, b)
    pairs: list[CallPair] = []
    for lane in a.lanes:
        calls_in_b = b.calls_of(lanes_in_b[lane]) if lane in lanes_in_b else []
        pairs += _pair_lane(a.calls_of(lane), calls_in_b)
    unmatched = set(b.lanes) - set(lanes_in_b.values())
    pairs += [(None, call) for call in b.calls if call.lane in unmatched]
    return pairs


def _pair_lane(calls_a: list[RunCall], calls_b: list[RunCall]) -> Iterator[CallPair]:
    """Pair calls that asked the same; the others by their order.

    One agent may ask several questions at once, so that its own order is not the same in each run.
    """
    by_request: defaultdict[str, list[RunCall]] = defaultdict(list)
    for call in calls_b:
        by_request[call.request_key].append(call)
    rest_a, paired = [], set()
    for call in calls_a:
        if same := by_request[call.request_key]:
            counterpart = same.pop(0)
            paired.add(counterpart.number)
            yield call, counterpart
        else:
            rest_a.append(call)
    rest_b = [call for call in calls_b if call.number not in paired]
    yield from zip_longest(rest_a, rest_b)


def _match_lanes(a: RecordedRun, b: RecordedRun) -> dict[str, str]:
    """The lane of B for each lane of A: of the same name, else with the most similar prompt.

    A lane that is a fingerprint changes its name with its prompt.
    """
    matched = {lane: lane for lane in a.lanes if lane in b.lanes}
    free = [lane for lane in b.lanes if lane not in matched]
    for lane in a.lanes:
        if lane in matched or not free:
            continue
        prompt = _prompt(a, lane)
        scores = [SequenceMatcher(None, prompt, _prompt(b, other)).ratio() for other in free]
        best = max(range(len(free)), key=scores.__getitem__)
        if scores[best] >= MIN_PROMPT_SIMILARITY:
            matched[lane] = free.pop(best)
    return matched


def _prompt(run: RecordedRun, lane: str) -> str:
    messages = run.calls_of(lane)[0].messages or ()
    return system_prompt({"messages": list(messages)})

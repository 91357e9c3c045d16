"""Pair the calls of two runs: match agents by name or system prompt, then their calls."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from itertools import zip_longest

from scenarios.tape.requests.conversation import system_prompt
from scenarios.traces.divergence.run_record import RecordedRun, RunCall

MIN_LANE_SIMILARITY = 0.5
"""Lanes without a counterpart are one agent if their system prompts are at least this similar."""

CallPair = tuple[RunCall | None, RunCall | None]
"""A call of A and its counterpart in B; None if there is none."""


def align_lanes(a: RecordedRun, b: RecordedRun) -> tuple[RecordedRun, RecordedRun, dict[str, str]]:
    """Give a trace's lanes the names of the tape, and unnamed lanes of B those of A.

    Returns both runs, and a mapping from a lane's name on the tape to its different name in the
    trace.
    """
    lanes_in_b = _match_lanes(a, b)
    if a.kind == b.kind:
        new_names = {of_b: of_a for of_a, of_b in lanes_in_b.items() if of_b in b.unnamed_lanes}
        return a, b.rename_lanes(new_names), {}
    lanes_in_a = {of_b: of_a for of_a, of_b in lanes_in_b.items()}
    trace, on_tape = (a, lanes_in_b) if a.kind == "trace" else (b, lanes_in_a)
    names = {
        on_tape[lane]: lane
        for lane in trace.lanes
        if on_tape.get(lane, lane) != lane and lane not in trace.unnamed_lanes
    }
    renamed = trace.rename_lanes(on_tape)
    return (renamed, b, names) if trace is a else (a, renamed, names)


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
    """Pair calls that asked the same, then those with other system prompts; the rest by order.

    One agent may ask several questions at once, so that its own order is not the same in each run.
    """
    keys: tuple[Callable[[RunCall], str], ...] = (
        lambda call: call.request_key,
        lambda call: call.conversation_key,
    )
    for key in keys:
        by_key: defaultdict[str, list[RunCall]] = defaultdict(list)
        for call in calls_b:
            by_key[key(call)].append(call)
        pairs = [(call, by_key[key(call)].pop(0)) for call in calls_a if by_key[key(call)]]
        yield from pairs
        paired = {id(call) for pair in pairs for call in pair}
        calls_a = [call for call in calls_a if id(call) not in paired]
        calls_b = [call for call in calls_b if id(call) not in paired]
    yield from zip_longest(calls_a, calls_b)


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
        if scores[best] >= MIN_LANE_SIMILARITY:
            matched[lane] = free.pop(best)
    return matched


def _prompt(run: RecordedRun, lane: str) -> str:
    messages = run.calls_of(lane)[0].messages or ()
    return system_prompt({"messages": list(messages)})

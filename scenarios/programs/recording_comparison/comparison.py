"""Compare two recordings of one program, and propose rules for what changes from run to run.

    comparison = compare_recordings(Tape.load("a.jsonl"), Tape.load("b.jsonl"))

The lines of both tapes are paired by lane, path and similarity. A difference that rules can explain
(see `volatile_search.py`) is volatile; all others are listed: the program asked something else, or
a model answered something else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scenarios.programs.recording_comparison.volatile_search import find_rules, merge_rules
from scenarios.tape.lanes.lane_recognition import LaneRecognition
from scenarios.tape.line import TapeLine
from scenarios.tape.requests.drift import compare_requests
from scenarios.tape.requests.request import COMPLETION_PATHS, Request
from scenarios.tape.requests.volatile import VolatileRule, VolatileRules
from scenarios.tape.similarity import similarity
from scenarios.tape.tape import Tape

MIN_SIMILARITY = 0.3
"""Requests that have less in common are not the same call in two runs."""


@dataclass(frozen=True)
class VolatilePart:
    """A rule, and the pairs of lines (`FILE:LINE`) that differ in such a part."""

    rule: VolatileRule
    locations: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LineDifference:
    """Two paired lines whose requests differ in more than volatile parts, and the differences."""

    location: str
    other_location: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class RecordingComparison:
    """The comparison of two recordings.

    Attributes:
        equal: The number of pairs whose requests are equal, under the rules that the tapes have.
        volatile: Proposed rules.
        differences: Pairs that differ in more than volatile parts.
        unpaired: Lines that only one tape has.
    """

    equal: int
    volatile: tuple[VolatilePart, ...]
    differences: tuple[LineDifference, ...]
    unpaired: tuple[TapeLine, ...]

    @property
    def rules(self) -> tuple[VolatileRule, ...]:
        """The proposed rules, in the order in which they are applied."""
        return merge_rules(part.rule for part in self.volatile)


def compare_recordings(tape: Tape, other: Tape) -> RecordingComparison:
    """Compare two tapes of one program. Scripted lines are left out."""
    known = VolatileRules(merge_rules((*tape.header.volatile.rules, *other.header.volatile.rules)))
    pairs, unpaired = _pair_lines(tape, other)
    equal = 0
    locations: dict[VolatileRule, list[tuple[str, str]]] = {}
    differences = list[LineDifference]()
    for line, twin in pairs:
        before, after = known.normalize(line.request), known.normalize(twin.request)
        if before == after or line.digest == twin.digest:
            equal += 1
            continue
        rules = merge_rules(
            rule for old, new in _changed_strings(before, after) for rule in find_rules(old, new)
        )
        for rule in rules:
            locations.setdefault(rule, []).append((line.location, twin.location))
        explained = VolatileRules(rules)
        before, after = explained.normalize(before), explained.normalize(after)
        if changes := compare_requests(before, after):
            texts = tuple(change.description for change in changes)
            differences.append(LineDifference(line.location, twin.location, texts))
    volatile = tuple(VolatilePart(rule, tuple(locations[rule])) for rule in merge_rules(locations))
    return RecordingComparison(equal, volatile, tuple(differences), unpaired)


def _pair_lines(
    tape: Tape, other: Tape
) -> tuple[list[tuple[TapeLine, TapeLine]], tuple[TapeLine, ...]]:
    """Pair each recorded line with the most similar one of the other tape in the same lane."""
    recognition = LaneRecognition(tape.lines, tape.header)
    left: dict[tuple[str, str, str], list[TapeLine]] = {}
    for line in _recorded_lines(other):
        left.setdefault(_pairing_key(line, tape, recognition), []).append(line)
    pairs = list[tuple[TapeLine, TapeLine]]()
    unpaired = list[TapeLine]()
    for line in _recorded_lines(tape):
        candidates = left.get((line.lane, line.method, line.path), [])
        twin = max(candidates, key=lambda one: _likeness(line, one), default=None)
        if twin is None or _likeness(line, twin) < MIN_SIMILARITY:
            unpaired.append(line)
            continue
        candidates.remove(twin)
        pairs.append((line, twin))
    unpaired.extend(line for lines in left.values() for line in lines)
    return pairs, tuple(unpaired)


def _recorded_lines(tape: Tape) -> Iterator[TapeLine]:
    return (line for line in tape.lines if line.request is not None)


def _pairing_key(line: TapeLine, tape: Tape, recognition: LaneRecognition) -> tuple[str, str, str]:
    """Return the lane of the first tape to which a line of the other one belongs, and its path."""
    lane = line.lane
    if line.path in COMPLETION_PATHS and (lane not in tape.lanes or lane.startswith("agent-")):
        nearest = recognition.find_nearest(line.request)
        lane = recognition.recognize(line.request) or (nearest.lane if nearest else lane)
    return lane, line.method, line.path


def _likeness(line: TapeLine, other: TapeLine) -> float:
    texts = (
        Request(one.lane, one.method, one.path, "", one.request).searchable_text
        for one in (line, other)
    )
    return similarity(*texts)


def _changed_strings(before: Any, after: Any) -> Iterator[tuple[str, str]]:
    """Yield the strings that differ at the same place of two JSON values."""
    match before, after:
        case str(), str() if before != after:
            yield before, after
        case dict(), dict():
            for key in before.keys() & after.keys():
                yield from _changed_strings(before[key], after[key])
        case list(), list():
            for old, new in zip(before, after, strict=False):
                yield from _changed_strings(old, new)

"""Find the unplayed line that comes closest to a refused request, and explain why it differs.

A line is close if its condition, or its recorded request, has much text in common with the request,
and if its lane is the request's or has a similar name. Of scripted lines that are about equally
close, the first one counts: a tape is written in the order in which it is played.
"""

import re
import time
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import islice

from scenarios.tape.condition import Condition, SearchTimeoutError
from scenarios.tape.line import TapeLine
from scenarios.tape.requests.recorded_request import compare_with_recorded
from scenarios.tape.requests.request import Request
from scenarios.tape.similarity import MAX_COMPARED_WORDS, pieces, similarity

SEARCH_TIMEOUT_S = 1.0
"""How long the nearest line is searched: a lane may have a million lines."""
ROLE_LABEL = re.compile(r"\b(?:system|developer|user|assistant|tool)(?: \w+)?: ?")
"""The beginning of a message, which any request has in common with any condition."""
LANE_WEIGHT = 0.5
"""How much the lane counts, compared with the text."""
MIN_LANE_SIMILARITY = 0.6
"""If two lane names are at least this similar, one may be a misspelling of the other."""
MIN_ANONYMOUS_TEXT = 0.5
"""How much text a line must share with a request that names no lane."""
EQUAL_WITHIN = 0.35
"""Lines whose closeness differs by less are about equally close."""


def find_nearest_line(request: Request, unplayed: Sequence[TapeLine]) -> TapeLine | None:
    """Return the nearest of the unplayed lines, as far as time permits; None if none is near.

    A line of another lane is near if it would answer the request, or if its lane has a similar
    name.
    """
    until_s = time.monotonic() + SEARCH_TIMEOUT_S
    own = (line for line in unplayed if line.lane == request.lane)
    other = (line for line in unplayed if line.lane != request.lane)
    near = [
        (closeness, line)
        for lines in (own, other)
        for line in islice(lines, MAX_COMPARED_WORDS)
        if (closeness := _closeness(line, request, until_s)) is not None
    ]
    best = max((closeness for closeness, _ in near), default=0.0)
    equal = (
        line
        for closeness, line in near
        # Recorded requests are complete, so their text decides.
        if closeness >= best - (0.0 if line.response is not None else EQUAL_WITHIN)
    )
    return min(equal, key=lambda line: line.number, default=None)


def explain_difference(request: Request, line: TapeLine) -> str:
    """Return why a line does not answer a request."""
    if line.lane != request.lane:
        return f'its lane is "{line.lane}", not "{request.lane}"'
    if not line.serves_endpoint(request.method, request.path):
        return f"it answers {line.method} {line.path}, not {request.path}"
    try:
        if line.when is not None and not line.when.search(request.searchable_text):
            return _explain_mismatch(line.when, request.searchable_text)
    except SearchTimeoutError as error:
        return str(error)
    changes = compare_with_recorded(line.digest, line.request, request)
    description = "; ".join(change.description for change in changes)
    return f"the recorded request differs: {description}"


def _closeness(line: TapeLine, request: Request, until_s: float) -> float | None:
    """Return how close a line is, from 0 to 1 + `LANE_WEIGHT`; None if it is not near."""
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        return 0.0 if line.lane == request.lane else None
    lane = _lane_similarity(line.lane, request.lane)
    if not line.serves_endpoint(request.method, request.path):
        return LANE_WEIGHT - 1 if line.lane == request.lane else None
    text = _text_similarity(line, request, left_s)
    has_condition = line.when is not None or line.response is not None
    # A client without the header may be any agent.
    min_text = MIN_ANONYMOUS_TEXT if request.lane.startswith("~") else 1.0
    if lane < MIN_LANE_SIMILARITY and not (has_condition and text >= min_text):
        return None
    return text + LANE_WEIGHT * lane


def _lane_similarity(lane: str, other: str) -> float:
    return 1.0 if lane == other else SequenceMatcher(None, lane, other).ratio()


def _text_similarity(line: TapeLine, request: Request, timeout_s: float) -> float:
    """Return 1 if the line would answer the request, else how much text they share, below 1."""
    if line.when is not None:
        try:
            if not line.when.search(request.searchable_text, timeout_s):
                own_words = pieces(ROLE_LABEL.sub("", line.when.pattern))
                return 0.95 * _share(own_words, pieces(request.searchable_text))
        except SearchTimeoutError:
            return 0.0
    try:
        if line.answers(request):
            return 1.0
    except SearchTimeoutError:
        return 0.0
    recorded = Request(line.lane, line.method, line.path, request.query, line.request)
    return 0.95 * similarity(recorded.searchable_text, request.searchable_text)


def _share(own: frozenset[str], known: frozenset[str]) -> float:
    return len(own & known) / len(own)


def _explain_mismatch(when: Condition, text: str) -> str:
    prefix, found = _longest_matching_prefix(when, text)
    if not prefix:
        return "no part of its condition matches the conversation"
    return (
        f"its condition matches up to {prefix!r} (there the conversation has {found!r}), "
        f"but {when.pattern[len(prefix) :]!r} does not match"
    )


def _longest_matching_prefix(when: Condition, text: str) -> tuple[str, str]:
    """Return the longest prefix of the pattern that matches in `text`, and the text found there."""
    for prefix, left_s in _prefixes(when.pattern):
        try:
            match = Condition.compile(prefix).search(text, left_s)
        except (ValueError, SearchTimeoutError):
            continue
        if match and match.group():
            return prefix, text[match.start() : match.end() + 40].split("\n")[0]
    return "", ""


def _prefixes(pattern: str) -> Iterator[tuple[str, float]]:
    """Yield the prefixes, longest first, and the time that is left, until it is over."""
    until_s = time.monotonic() + SEARCH_TIMEOUT_S
    for end in range(len(pattern) - 1, 0, -1):
        if (left_s := until_s - time.monotonic()) <= 0:
            return
        yield pattern[:end], left_s

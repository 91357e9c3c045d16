"""A pattern: what one kind of secret looks like in a text, and how to find it quickly."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from instrumentation.redaction.searchable_text import Match, SearchableText

MAX_CHARS_BEFORE_ANCHOR = 64
"""How far before its anchor a match may begin."""


@dataclass(frozen=True)
class RedactionPattern:
    """One kind of secret: the expression that it matches, and the name that its mark bears.

    What goes is the group `secret`, where the expression has one, else the match. `anchors` are
    words in lower case with one of which each match begins: they are looked for first, which costs
    a hundredth. What stands before the anchor is matched by `behind`, on the text read backwards. A
    `shape` is what a text without any can't have: 0 for a digit, A for a capital, no blanks or
    dashes. `extent` says how many characters of a match are really one; 0 where it only looks so.
    Without anchor and shape, the expression is searched for in each text: as dear as it is simple.
    """

    name: str
    regex: re.Pattern[str]
    anchors: tuple[bytes, ...] = ()
    before_regex: re.Pattern[str] | None = None
    shape: bytes = b""
    match_length: Callable[[str], int] = len

    def find_matches(self, searchable: SearchableText) -> Iterator[Match]:
        """Where it stands; no two of them overlap where it has one anchor."""
        if self.anchors:
            for anchor in self.anchors:
                yield from self._find_at_anchor(anchor, searchable)
        elif self.shape in searchable.shape:
            yield from self._find_anywhere(searchable.text)

    def _find_at_anchor(self, anchor: bytes, searchable: SearchableText) -> Iterator[Match]:
        text, at = searchable.text, searchable.lower.find(anchor)
        while at >= 0:
            spot = self._to_match(text, self.regex.match(text, at))
            if spot is not None and self.before_regex is not None:
                led = self.before_regex.match(text[max(0, at - MAX_CHARS_BEFORE_ANCHOR) : at][::-1])
                spot = led and spot._replace(start=at - led.end())
            if spot is not None:
                yield spot
            at = searchable.lower.find(anchor, max(at + 1, spot.end if spot else 0))

    def _find_anywhere(self, text: str) -> Iterator[Match]:
        match = self.regex.search(text)
        while match is not None:
            spot = self._to_match(text, match)
            if spot is not None:
                yield spot
            # What only looked like one may hide the beginning of one.
            past = match.start() + 1 if spot is None else max(spot.end, match.start() + 1)
            match = self.regex.search(text, past)

    def _to_match(self, text: str, match: re.Match[str] | None) -> Match | None:
        if match is None:
            return None
        start, end = match.span("secret" if "secret" in self.regex.groupindex else 0)
        try:
            length = self.match_length(text[start:end])
        except Exception:  # it may be anybody's: what could not be judged goes
            length = end - start
        return Match(start, start + length, self.name) if length else None

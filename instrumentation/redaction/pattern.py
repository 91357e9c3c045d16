"""A pattern: what one kind of secret looks like in a text, and how to find it quickly."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from instrumentation.redaction.searchable_text import Reading, Spot

BEHIND_CHARS = 64
"""How far before its anchor a match may begin."""


@dataclass(frozen=True)
class Pattern:
    """One kind of secret: the expression that it matches, and the name that its mark bears.

    What goes is the group `secret`, where the expression has one, else the match. `anchors` are
    words in lower case with one of which each match begins: they are looked for first, which costs
    a hundredth. What stands before the anchor is matched by `behind`, on the text read backwards. A
    `shape` is what a text without any can't have: 0 for a digit, A for a capital, no blanks or
    dashes. `extent` says how many characters of a match are really one; 0 where it only looks so.
    Without anchor and shape, the expression is searched for in each text: as dear as it is simple.
    """

    name: str
    expression: re.Pattern[str]
    anchors: tuple[bytes, ...] = ()
    behind: re.Pattern[str] | None = None
    shape: bytes = b""
    extent: Callable[[str], int] = len

    def spots(self, reading: Reading) -> Iterator[Spot]:
        """Where it stands; no two of them overlap where it has one anchor."""
        if self.anchors:
            for anchor in self.anchors:
                yield from self._at(anchor, reading)
        elif self.shape in reading.shape:
            yield from self._anywhere(reading.text)

    def _at(self, anchor: bytes, reading: Reading) -> Iterator[Spot]:
        text, at = reading.text, reading.folded.find(anchor)
        while at >= 0:
            spot = self._spot(text, self.expression.match(text, at))
            if spot is not None and self.behind is not None:
                led = self.behind.match(text[max(0, at - BEHIND_CHARS) : at][::-1])
                spot = led and spot._replace(start=at - led.end())
            if spot is not None:
                yield spot
            at = reading.folded.find(anchor, max(at + 1, spot.end if spot else 0))

    def _anywhere(self, text: str) -> Iterator[Spot]:
        match = self.expression.search(text)
        while match is not None:
            spot = self._spot(text, match)
            if spot is not None:
                yield spot
            # What only looked like one may hide the beginning of one.
            past = match.start() + 1 if spot is None else max(spot.end, match.start() + 1)
            match = self.expression.search(text, past)

    def _spot(self, text: str, match: re.Match[str] | None) -> Spot | None:
        if match is None:
            return None
        start, end = match.span("secret" if "secret" in self.expression.groupindex else 0)
        try:
            length = self.extent(text[start:end])
        except Exception:  # it may be anybody's: what could not be judged goes
            length = end - start
        return Spot(start, start + length, self.name) if length else None

"""A pattern of one kind of secret in a text, with hints that make the search fast."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from instrumentation.redaction.searchable_text import Match, SearchableText

MAX_CHARS_BEFORE_ANCHOR = 64
"""How far before its anchor a match may begin."""


@dataclass(frozen=True)
class RedactionPattern:
    """One kind of secret.

    Without anchors and shape, the regular expression is searched for in each text, which is about a
    hundred times slower.

    Example:
        RedactionPattern("staff number", re.compile(r"\\bE-\\d{6}\\b"))

    Attributes:
        name: The name for the placeholder: `[redacted: name]`.
        regex: What to redact: its group `secret`, or the whole match if it has no such group.
        anchors: Lower-case words with one of which each match begins.
        before_regex: Matches the part before the anchor, on the text read backwards.
        shape: A part of the shape (see `SearchableText`) of every text with a match: 0 for a
            digit, A for a capital letter, without spaces and dashes.
        match_length: Returns how many characters of a match to redact; 0 for a false match.
    """

    name: str
    regex: re.Pattern[str]
    anchors: tuple[bytes, ...] = ()
    before_regex: re.Pattern[str] | None = None
    shape: bytes = b""
    match_length: Callable[[str], int] = len

    def find_matches(self, searchable: SearchableText) -> Iterator[Match]:
        """Find all matches. They do not overlap if the pattern has at most one anchor."""
        if self.anchors:
            for anchor in self.anchors:
                yield from self._find_at_anchor(anchor, searchable)
        elif self.shape in searchable.shape:
            yield from self._find_anywhere(searchable.text)

    def _find_at_anchor(self, anchor: bytes, searchable: SearchableText) -> Iterator[Match]:
        text, position = searchable.text, searchable.lower.find(anchor)
        while position >= 0:
            match = self._to_match(self.regex.match(text, position))
            if match is not None and self.before_regex is not None:
                start = max(0, position - MAX_CHARS_BEFORE_ANCHOR)
                before = self.before_regex.match(text[start:position][::-1])
                match = before and match._replace(start=position - before.end())
            if match is not None:
                yield match
            next_position = max(position + 1, match.end if match else 0)
            position = searchable.lower.find(anchor, next_position)

    def _find_anywhere(self, text: str) -> Iterator[Match]:
        found = self.regex.search(text)
        while found is not None:
            match = self._to_match(found)
            if match is not None:
                yield match
            # A false match may hide the beginning of a true one.
            next_position = found.start() + 1
            if match is not None:
                next_position = max(match.end, next_position)
            found = self.regex.search(text, next_position)

    def _to_match(self, found: re.Match[str] | None) -> Match | None:
        if found is None:
            return None
        group: str | int = "secret" if "secret" in self.regex.groupindex else 0
        start, end = found.span(group)
        try:
            length = self.match_length(found[group])
        except Exception:  # a user's function may raise anything: then redact the whole match
            length = end - start
        return Match(start, start + length, self.name) if length else None

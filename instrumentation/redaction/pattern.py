"""A pattern of one kind of secret in a text, with hints that make the search fast."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial

from instrumentation.redaction.searchable_text import Match, SearchableText
from patches.support.error_boundaries import call_with_fallback

MAX_CHARS_BEFORE_ANCHOR = 64
"""How far before its anchor a match may begin."""

MIN_CHARS = 10
MIN_CHANGES = 3
CHANGE = re.compile(r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[a-z])(?=[A-Z])")
"""Where a letter follows a digit, a digit a letter, or a capital a small letter."""
FILE_NAME = re.compile(r".*\.[A-Za-z]\w{1,4}")


@dataclass(frozen=True)
class RedactionPattern:
    """One kind of secret.

    Without anchors and shape, the regular expression is searched for in each text, which is about a
    hundred times slower.

    Example:
        RedactionPattern("staff number", re.compile(r"\\bE-\\d{6}\\b"))

    Attributes:
        name: The name for the placeholder: `[redacted: name]`.
        regex: What to redact: its group `secret`, or the whole match if it has no such group. A
            text is compiled when the pattern is first needed.
        anchors: Lower-case words with one of which each match begins.
        before_regex: Matches the part before the anchor, on the text read backwards.
        shape: A part of the shape (see `SearchableText`) of every text with a match: 0 for a
            digit, A for a capital letter, without spaces and dashes.
        word_shape: Is found in the word shape of every such text: A for a letter of either case. To
            be fast, it begins with one character.
        not_after: Matches a text after which a match is false, read backwards.
        match_length: Returns how many characters of a match to redact; 0 for a false match.
    """

    name: str
    regex: re.Pattern[str] | str
    anchors: tuple[bytes, ...] = ()
    before_regex: re.Pattern[str] | None = None
    shape: bytes = b""
    word_shape: re.Pattern[bytes] | None = None
    match_length: Callable[[str], int] = len
    not_after: re.Pattern[str] | None = None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.regex)

    @cached_property
    def _group(self) -> str | int:
        return "secret" if "secret" in self._compiled.groupindex else 0

    def find_matches(self, searchable: SearchableText) -> Iterator[Match]:
        """Find all matches of a pattern without anchors."""
        if self.word_shape is not None:
            may_match = self.word_shape.search(searchable.word_shape) is not None
        else:
            may_match = self.shape in searchable.shape
        if may_match:
            yield from self._find_anywhere(searchable.text)

    def find_at_anchor(self, anchor: bytes, searchable: SearchableText) -> Iterator[Match]:
        """Find the matches that begin with one of the anchors; they do not overlap."""
        text, position = searchable.text, searchable.lower.find(anchor)
        while position >= 0:
            match = self._to_match(self._compiled.match(text, position))
            if match is not None and self.before_regex is not None:
                start = max(0, position - MAX_CHARS_BEFORE_ANCHOR)
                before = self.before_regex.match(text[start:position][::-1])
                match = before and match._replace(start=position - before.end())
            if match is not None:
                yield match
            next_position = max(position + 1, match.end if match else 0)
            position = searchable.lower.find(anchor, next_position)

    def _find_anywhere(self, text: str) -> Iterator[Match]:
        found = self._compiled.search(text)
        while found is not None:
            match = self._to_match(found)
            if match is not None:
                yield match
            # A false match may hide the beginning of a true one.
            next_position = found.start() + 1
            if match is not None:
                next_position = max(match.end, next_position)
            found = self._compiled.search(text, next_position)

    def _to_match(self, found: re.Match[str] | None) -> Match | None:
        if found is None:
            return None
        start, end = found.span(self._group)
        if self.not_after is not None:
            before = found.string[max(0, start - MAX_CHARS_BEFORE_ANCHOR) : start]
            if self.not_after.match(before[::-1]):
                return None
        find_length = partial(self.match_length, found[self._group])  # perhaps the user's function
        length = call_with_fallback(find_length, lambda _: end - start)
        return Match(start, start + length, self.name) if length else None


def looks_random(text: str) -> bool:
    """Return whether digits, small and capital letters change too often for words and numbers."""
    if len(text) < MIN_CHARS or FILE_NAME.fullmatch(text):
        return False
    has_digit = any(character.isdigit() for character in text)
    return len(CHANGE.findall(text)) >= (MIN_CHANGES if has_digit else 2 * MIN_CHANGES)

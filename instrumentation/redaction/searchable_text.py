"""Views of a text in which secrets are found fast: lower case, shapes, words, without escapes.

Searching bytes in one case takes a hundredth of the time of a case-insensitive regular expression,
and so does searching a shape for a run of digits.

Secrets are searched for in the unescaped text, and removed from the original text.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

SHAPE_TABLE = bytes(
    ord("0") if chr(code).isdigit() else ord("A") if 65 <= code <= 90 else code
    for code in range(128)
) + bytes(range(128, 256))
"""Translates characters for a shape: digits to 0, capital letters to A."""
WORD_SHAPE_TABLE = bytes(
    ord("0") if chr(code).isdigit() else ord("A") if chr(code).isalpha() else code
    for code in range(128)
) + bytes(range(128, 256))
"""Translates characters for a word shape."""
OMITTED_FROM_SHAPE = b" -\1"
"""Characters that may group digits, and the filler, which replaces non-ASCII characters."""
RARE_BYTES = b"@&?+_%zqjx~:/-kvbw31.pcmli"
"""Characters that are rare in the texts of agents, the rarest first."""
MAX_HITS = 40
"""After so many hits, it is faster to search for each word."""

ESCAPED_WHITESPACE = (("\\n", "\n\n"), ("\\r", "\r\r"), ("\\t", "\t\t"))
"""Escapes of JSON, and what replaces them without changing positions."""
OTHER_CHARACTER = re.compile(
    r"\\u(?!00[2-7])[0-9a-fA-F]{4}(?:\[[0-9;]{0,16}m)?|(?:\x1b|\\x1b|\\033)\[[0-9;]{0,16}m"
)
"""An escaped character that is not ASCII, or the code of a colour in a terminal."""
NOT_ASCII = re.compile(r"[^\0-\x7f]+")
FILLER = "\1"
"""Belongs to no word, and no search begins with it."""
ESCAPE_STARTS = (
    re.compile(rb"\\(?:u00|x|/)"),
    re.compile(rb"%[02-7]"),
    re.compile(rb"&(?:#|quot;|apos;|amp;|[lg]t;)"),
)
"""How escapes begin. Each begins with one character, so it is fast to search for."""
ESCAPE = re.compile(
    r"\\{1,8}u00([2-7][0-9a-fA-F])|\\{1,8}x([2-7][0-9a-fA-F])|%([2-7][0-9a-fA-F]|0[9AaDd])"
    r"|&#x([2-7][0-9a-fA-F]);|&#(\d{2,3});|\\{1,8}(/)|&(quot|apos|amp|lt|gt);"
)
LINE_CHARACTERS = (9, 10, 13)
ENTITIES = {"quot": '"', "apos": "'", "amp": "&", "lt": "<", "gt": ">"}


class Match(NamedTuple):
    """A range of a text that must be redacted, and the name for its placeholder."""

    start: int
    end: int
    name: str


class SearchableText:
    """A text with views for fast searches. All positions are the same as in the text.

    Attributes:
        text: The text. An escaped line break or tab, as JSON has it, becomes two of them, and
            another escaped character that is not ASCII becomes a filler: with `\\n` before
            it, a key would look like the end of a word.
    """

    def __init__(self, text: str) -> None:
        if "\\" in text:
            for escape, character in ESCAPED_WHITESPACE:
                text = text.replace(escape, character)
        if "\\" in text or "\x1b" in text:
            text = OTHER_CHARACTER.sub(lambda found: FILLER * len(found[0]), text)
        self.text = text

    @cached_property
    def lower(self) -> bytes:
        """The text in lower case, one byte per character; non-ASCII characters become a filler."""
        return self._ascii.lower()

    @cached_property
    def shape(self) -> bytes:
        """The text with digits as 0 and capitals as A, without spaces and dashes.

        Its positions are not those of the text.
        """
        return self._ascii.translate(SHAPE_TABLE, OMITTED_FROM_SHAPE)

    @cached_property
    def word_shape(self) -> bytes:
        """The text with digits as 0 and letters of both cases as A."""
        return self.lower.translate(WORD_SHAPE_TABLE)

    @cached_property
    def _ascii(self) -> bytes:
        if self.text.isascii():
            return self.text.encode()
        return NOT_ASCII.sub(lambda found: FILLER * len(found[0]), self.text).encode()


class WordSearch:
    """Searches for many lower-case words at once, in texts that mostly contain none of them.

    Each `word in text` reads the whole text. A regular expression that begins with one character is
    searched for as fast as memory can be read. So words that share a rare character are searched
    for together.
    """

    def __init__(self, words: Iterable[bytes]) -> None:
        by_rarest: dict[bytes, list[bytes]] = defaultdict(list)
        for word in words:
            by_rarest[bytes(next(([rare] for rare in RARE_BYTES if rare in word), []))].append(word)
        self._without_rare = by_rarest.pop(b"", [])
        self._groups = [
            (_compile_group(words, rare), [(word, word.index(rare)) for word in words])
            for rare, words in by_rarest.items()
        ]

    def find_in(self, lower: bytes) -> set[bytes]:
        """Return the words that a lower-case text contains."""
        found = {word for word in self._without_rare if word in lower}
        for group, words in self._groups:
            position = count = 0
            while hit := group.search(lower, position):
                if count == MAX_HITS:
                    found.update(word for word, _ in words if word in lower)
                    break
                for word, offset in words:
                    if lower.startswith(word, max(0, hit.start() - offset)):
                        found.add(word)
                position, count = hit.start() + 1, count + 1
        return found


def _compile_group(words: Iterable[bytes], character: bytes) -> re.Pattern[bytes]:
    """Compile an expression that matches at the given character of any of the words."""
    split = [word.partition(character) for word in sorted(words)]
    alternatives = [
        (b"(?<=%s)" % re.escape(before + own) if before else b"") + re.escape(after)
        for before, own, after in split
    ]
    return re.compile(re.escape(character) + b"(?:" + b"|".join(alternatives) + b")")


class UnescapedText:
    """A text whose escapes are undone, with the mapping of positions to the original text."""

    def __init__(self, text: str, escapes: Sequence[re.Match[str]]) -> None:
        parts: list[str] = []
        self._starts, self._sources = [0], [0]
        length = end = 0
        for match in escapes:
            plain, character = text[end : match.start()], _decode_escape(match)
            parts += (plain, character)
            length += len(plain)
            self._add_segment(length, match.start())
            length += len(character)
            end = match.end()
            self._add_segment(length, end)
        parts.append(text[end:])
        self.searchable = SearchableText("".join(parts))

    def source_range(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original text for a range of the unescaped text."""
        source_start, last = self._source_position(start), self._source_position(end - 1)
        return source_start, max(self._source_position(end), last + 1)

    def _add_segment(self, start: int, source: int) -> None:
        self._starts.append(start)
        self._sources.append(source)

    def _source_position(self, position: int) -> int:
        segment = bisect_right(self._starts, position) - 1
        return self._sources[segment] + position - self._starts[segment]


def unescape(searchable: SearchableText) -> UnescapedText | None:
    """Undo the escapes in a text; None if it contains none."""
    text = searchable.text
    escapes: dict[int, re.Match[str]] = {}
    for start_pattern in ESCAPE_STARTS:
        for start in start_pattern.finditer(searchable.lower):
            if match := ESCAPE.match(text, _first_backslash(text, start.start())):
                escapes.setdefault(match.end(), match)
    return UnescapedText(text, [escapes[end] for end in sorted(escapes)]) if escapes else None


def _first_backslash(text: str, position: int) -> int:
    """The start of the backslashes that end here: JSON inside JSON has several."""
    limit = max(0, position - 7)
    while position > limit and text[position] == text[position - 1] == "\\":
        position -= 1
    return position


def _decode_escape(match: re.Match[str]) -> str:
    if match[6]:
        return "/"
    if match[7]:
        return ENTITIES[match[7]]
    code = int(match[5]) if match[5] else int(next(filter(None, match.groups())), 16)
    return chr(code) if 32 <= code < 127 or code in LINE_CHARACTERS else match.group()

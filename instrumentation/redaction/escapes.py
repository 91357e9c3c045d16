"""Escapes: characters that are spelt by their code, as JSON, Python, HTML and addresses do.

What is searched for secrets is what a text says; what is taken out is how it was spelt.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

from instrumentation.redaction.searchable_text import SearchableText

ESCAPE_STARTS = (re.compile(rb"\\(?:u00|x|/)"), re.compile(rb"%[2-7]"), re.compile(rb"&#"))
"""How escapes begin: with one character each, to look for which costs next to nothing."""
ESCAPE = re.compile(
    r"\\{1,8}u00([2-7][0-9a-fA-F])|\\{1,8}x([2-7][0-9a-fA-F])|%([2-7][0-9a-fA-F])"
    r"|&#x([2-7][0-9a-fA-F]);|&#(\d{2,3});|\\{1,8}(/)"
)


class UnescapedText:
    """The text with the escapes of ASCII characters undone, and where each stood."""

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
        """Where in the text what stands from `start` to `end` was spelt."""
        before, last = self._source_position(start), self._source_position(end - 1)
        return before, max(self._source_position(end), last + 1)

    def _add_segment(self, start: int, source: int) -> None:
        self._starts.append(start)
        self._sources.append(source)

    def _source_position(self, place: int) -> int:
        segment = bisect_right(self._starts, place) - 1
        return self._sources[segment] + place - self._starts[segment]


def unescape(searchable: SearchableText) -> UnescapedText | None:
    """The text as it is meant; None where nothing in it is escaped."""
    escapes: dict[int, re.Match[str]] = {}
    for sign in ESCAPE_STARTS:
        for begun in sign.finditer(searchable.lower):
            if match := ESCAPE.match(
                searchable.text, _first_backslash(searchable.text, begun.start())
            ):
                escapes.setdefault(match.end(), match)
    return (
        UnescapedText(searchable.text, [escapes[end] for end in sorted(escapes)])
        if escapes
        else None
    )


def _first_backslash(text: str, at: int) -> int:
    """Where the backslashes begin whose last one is at this place: JSON in JSON has several."""
    least = max(0, at - 7)
    while at > least and text[at] == text[at - 1] == "\\":
        at -= 1
    return at


def _decode_escape(match: re.Match[str]) -> str:
    if match[6]:
        return "/"
    code = int(match[5]) if match[5] else int(next(filter(None, match.groups())), 16)
    return chr(code) if 32 <= code < 127 else match.group()

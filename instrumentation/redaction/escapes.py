r"""Decode escaped ASCII characters of JSON, Python, URLs and HTML (`\u0040`, `%40`, `&#64;`).

Secrets are searched for in the unescaped text, and removed from the original text.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

from instrumentation.redaction.searchable_text import SearchableText

ESCAPE_STARTS = (re.compile(rb"\\(?:u00|x|/)"), re.compile(rb"%[2-7]"), re.compile(rb"&#"))
"""How escapes begin. Each begins with one character, so it is fast to search for."""
ESCAPE = re.compile(
    r"\\{1,8}u00([2-7][0-9a-fA-F])|\\{1,8}x([2-7][0-9a-fA-F])|%([2-7][0-9a-fA-F])"
    r"|&#x([2-7][0-9a-fA-F]);|&#(\d{2,3});|\\{1,8}(/)"
)


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
    code = int(match[5]) if match[5] else int(next(filter(None, match.groups())), 16)
    return chr(code) if 32 <= code < 127 else match.group()

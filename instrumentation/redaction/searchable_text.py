"""A reading: a text as it is searched: as it stands, in lower case, and by its shape.

To look for a word in bytes of one case costs a hundredth of what an expression costs that ignores
case, and to look for a row of digits in a shape as little. So a text is read before it is searched.
"""

from functools import cached_property
from typing import NamedTuple

SHAPE_TABLE = bytes(
    ord("0") if chr(code).isdigit() else ord("A") if 65 <= code <= 90 else code
    for code in range(128)
) + bytes(range(128, 256))
"""Which character stands for which in a shape: 0 for a digit, A for a capital."""
OMITTED_FROM_SHAPE = b" -?"
"""What a shape leaves out: what may group digits, and what is no ASCII, which reads as `?`."""


class Match(NamedTuple):
    """Where in a text something must go, and what it is called."""

    start: int
    end: int
    name: str


class SearchableText:
    """A text, and what it takes to search it quickly. Positions are those of the text."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def lower(self) -> bytes:
        """The text in lower case, a byte a character; what is no ASCII reads as `?`."""
        return self._ascii.lower()

    @cached_property
    def shape(self) -> bytes:
        """The text with its digits as 0 and its capitals as A, without blanks and dashes."""
        return self._ascii.translate(SHAPE_TABLE, OMITTED_FROM_SHAPE)

    @cached_property
    def _ascii(self) -> bytes:
        return self.text.encode("ascii", "replace")

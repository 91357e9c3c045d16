"""Find the texts that may state a value, without parsing their figures: an index of their digits.

Parsing a figure with its unit and period takes a hundred times as long as reading its digits. Scale
words ("4.1 million") change a value by a power of ten, so only the digits are compared.
"""

import bisect
import math
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

NUMBER = re.compile(r"\d[\d.,'\u00a0\u202f]*")
LOG_TOLERANCE = 1e-9
"""Two logarithms that differ by less are those of one number."""


class DigitIndex:
    """Texts by the digits of the numbers in them."""

    def __init__(self, texts: Iterable[str]) -> None:
        keys = [(key, place) for place, text in enumerate(texts) for key in set(_digit_keys(text))]
        keys.sort()
        self._keys = [key for key, _ in keys]
        self._places = [place for _, place in keys]

    def find_candidates(self, low: Decimal, high: Decimal) -> list[int]:
        """The places of the texts that may state a value from low to high, in order."""
        contains_zero = low <= 0 <= high
        low, high = sorted((abs(low), abs(high)))
        if contains_zero or high >= 10 * low:
            return sorted(set(self._places))
        start, end = _digit_key(float(low)), _digit_key(float(high))
        if start <= end:
            found = self._between(start, end)
        else:  # from 9.5 to 10.5
            found = self._between(start, 1.0) | self._between(0.0, end)
        return sorted(found)

    def _between(self, low: float, high: float) -> set[int]:
        first = bisect.bisect_left(self._keys, low - LOG_TOLERANCE)
        return set(self._places[first : bisect.bisect_right(self._keys, high + LOG_TOLERANCE)])


def _digit_keys(text: str) -> Iterator[float]:
    """A key per number; two for a number with commas or dots that may be decimal or not."""
    for match in NUMBER.finditer(text):
        digits = match.group().strip(".,'\u00a0\u202f")
        significant = re.sub(r"\D", "", digits).lstrip("0")
        if significant:
            yield _digit_key(float(f"0.{significant}"))
        else:
            yield 0.0


def _digit_key(value: float) -> float:
    """The fraction of the logarithm of a value, which is the same for 41, 4.1 and 0.041."""
    return math.log10(value) % 1.0 if value else 0.0

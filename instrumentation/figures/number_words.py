"""Parse numbers in words where they are figures: before a scale or a unit ("two million").

"Two million" and "five percent" are figures; "one of the two countries" is not.
"""

import re
from decimal import Decimal

from instrumentation.figures.units import SCALE_SPELLINGS, UNIT_SPELLINGS, spelling_regex

SMALL_NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
WORD_VALUES = {word: Decimal(value) for value, word in enumerate(SMALL_NUMBERS)} | {
    word: Decimal(10 * tens) for tens, word in enumerate(TENS, 2)
}
NUMBER_WORD = "|".join(sorted(WORD_VALUES, key=len, reverse=True))
SCALE_WORD = "hundred|thousand|million|billion|trillion"
BEFORE_SCALE_OR_UNIT = (
    rf"(?=[ -](?:{spelling_regex(SCALE_SPELLINGS)}|{spelling_regex(UNIT_SPELLINGS)}))"
)
NUMBER_IN_WORDS = (
    rf"(?:(?:{NUMBER_WORD})(?:[- ](?:{NUMBER_WORD}))?(?:[ ]and[ ]a[ ]half)?|"
    rf"half[ ]an?|an?(?=[ ](?:{SCALE_WORD})\b))" + BEFORE_SCALE_OR_UNIT
)
"""A regular expression for a number before a scale or a unit: "twenty-five", "one and a half"."""


def parse_number_words(text: str) -> Decimal:
    """Parse a match of `NUMBER_IN_WORDS` by adding up its words; "half" is 0.5."""
    words = re.split(r"[\s-]+", text.lower())
    value = sum((WORD_VALUES.get(word, Decimal(0)) for word in words), Decimal(0))
    if "half" in words:
        return value + Decimal("0.5")
    return value or Decimal(0 if words == ["zero"] else 1)

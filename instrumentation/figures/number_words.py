"""A spelt number: one written in words, which states a figure where a scale or a unit follows it.

"Two million" and "five percent" are figures; "one of the two countries" counts what stands there.
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
    rf"(?:(?:{NUMBER_WORD})(?:[- ](?:{NUMBER_WORD}))?(?:[ ]and[ ]a[ ]half)?|half[ ]an?|an?(?=[ ](?:{SCALE_WORD})\b))"
    + BEFORE_SCALE_OR_UNIT
)
"""Words that make one number, before a scale or a unit: "twenty-five", "one and a half"."""


def parse_number_words(text: str) -> Decimal:
    """The value of what `SPELT` finds: the words added up, "half" and "and a half" as 0.5."""
    words = re.split(r"[\s-]+", text.lower())
    value = sum((WORD_VALUES.get(word, Decimal(0)) for word in words), Decimal(0))
    if "half" in words:
        return value + Decimal("0.5")
    return value or Decimal(0 if words == ["zero"] else 1)

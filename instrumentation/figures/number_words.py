"""A spelt number: one written in words, which states a figure where a scale or a unit follows it.

"Two million" and "five percent" are figures; "one of the two countries" counts what stands there.
"""

import re
from decimal import Decimal

from instrumentation.figures.units import SCALES, UNITS, alternatives

SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
WORDS = {word: Decimal(value) for value, word in enumerate(SMALL)} | {
    word: Decimal(10 * tens) for tens, word in enumerate(TENS, 2)
}
ONE = "|".join(sorted(WORDS, key=len, reverse=True))
LARGE = "hundred|thousand|million|billion|trillion"
FOLLOWED = rf"(?=[ -](?:{alternatives(SCALES)}|{alternatives(UNITS)}))"
SPELT = (
    rf"(?:(?:{ONE})(?:[- ](?:{ONE}))?(?:[ ]and[ ]a[ ]half)?|half[ ]an?|an?(?=[ ](?:{LARGE})\b))"
    + FOLLOWED
)
"""Words that make one number, before a scale or a unit: "twenty-five", "one and a half"."""


def spelt_number(text: str) -> Decimal:
    """The value of what `SPELT` finds: the words added up, "half" and "and a half" as 0.5."""
    words = re.split(r"[\s-]+", text.lower())
    value = sum((WORDS.get(word, Decimal(0)) for word in words), Decimal(0))
    if "half" in words:
        return value + Decimal("0.5")
    return value or Decimal(0 if words == ["zero"] else 1)

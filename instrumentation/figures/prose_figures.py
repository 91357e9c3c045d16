"""Extract figures from prose, and ignore years, dates, list numbers, labels and identifiers.

"Two million" and "five percent" are figures; "one of the two countries" is not.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from instrumentation.figures.figure import Figure, build_figure
from instrumentation.figures.periods import PeriodInfo, find_periods
from instrumentation.figures.units import (
    DATE_PATTERNS,
    MONTH_PATTERN,
    SCALE_SPELLINGS,
    UNIT_SPELLINGS,
    YEAR_PATTERN,
    find_unit,
    per_unit_suffix,
    scale_factor,
    spelling_regex,
)

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
SENTENCE = re.compile(r"(?:[^.!?;\n]|[.!?;](?=\S))+[.!?;]*")
NUMBER = r"""(?:
    0,\d+
  | \d{1,3}(?P<gap>[,'’\u00a0\u2009\u202f\ ])\d{3}(?:(?P=gap)\d{3})*(?!\d)(?:\.\d+)?
  | \d{1,3}(?:\.\d{3})+,\d+
  | \d{1,3}(?:\.\d{3}){2,}
  | (?<!\d,)\d+,\d{1,2}(?![\d,])
  | \d*\.\d+
  | \d+)"""
"""1,200.5, 1 200, 1.200,5, 4,9 and .5. Ambiguous separators (1,200, 1.200) are read as English."""
CURRENCY_PREFIX = r"US\$|[$€£¥₹]|USD|EUR|GBP|JPY|CHF|CNY|INR"
GAP = r"[ \u00a0\u202f-]?"
FIGURE = re.compile(
    r"(?P<sign>(?<![\w%)])(?:[-–](?=\S)|[−+]\s?))?"
    rf"(?:(?P<before>{CURRENCY_PREFIX})\s?(?P<inner>[-−+])?)?"
    rf"(?P<loss>\((?=[\d.,]+\)))?(?<![\w.])(?P<number>(?x:{NUMBER})|\b{NUMBER_IN_WORDS})(?(loss)\))"
    rf"(?:{GAP}(?P<scale>{spelling_regex(SCALE_SPELLINGS)}))?"
    rf"(?:{GAP}(?P<after>{spelling_regex(UNIT_SPELLINGS)}))?(?!\w)",
    re.I,
)
"""A number with its sign, scale and unit. A dash before a space is a bullet, not a sign. A number
in parentheses with its unit outside is negative, as in accounting: (3.2)%."""
LABEL_WORDS = (
    r"fig(?:ure|\.)?|tables?|sections?|chapters?|steps?|rules?|notes?|items?|page|p\.|appendix|annex|"
    r"parts?|phase|tasks?|no\.|footnote|equation|line|row|column|article|§"
)
NOT_BEFORE_UNIT = (
    rf"(?!{GAP}(?:{spelling_regex(SCALE_SPELLINGS)}|{spelling_regex(UNIT_SPELLINGS)}))"
)
NON_FIGURE = re.compile(
    "|".join(
        (
            r"https?://\S+|\b[\w.+-]+@[\w-]+\.\w[\w.]*",
            r"\b\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?|\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b|\b\d\d?:\d\d(?::\d\d)?\b",
            rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?\s?(?:[-–]|to|and|until)\s?)?"
            rf"\d{{1,2}}(?:st|nd|rd|th)?\s{MONTH_PATTERN}\b",
            rf"\b{MONTH_PATTERN}\s\d{{1,2}}(?:st|nd|rd|th)?\b(?![.,]\d){NOT_BEFORE_UNIT}",
            rf"\b(?:{DATE_PATTERNS['quarter']}|{DATE_PATTERNS['month']})(?!\w)|\b(?:FY|CY)\s?\d\d\b",
            rf"(?<![\w.,]){YEAR_PATTERN}\s?[-–/]\s?(?:{YEAR_PATTERN}|\d\d)\b(?![.,]\d){NOT_BEFORE_UNIT}",
            rf"(?<![\w.,$€£¥])(?<![$€£¥]\s)(?:{YEAR_PATTERN}(?![.,]\d){NOT_BEFORE_UNIT}|{YEAR_PATTERN}s)\b",
            rf"\bconstant {YEAR_PATTERN}\b",
            rf"\b(?:{LABEL_WORDS})\s?\d+(?:\.\d+)*\b{NOT_BEFORE_UNIT}",
            r"^[ \t]*[-*>#]*[ \t]*\(?\d{1,2}[.)](?=\s)",
            r"\(\d{1,2}\)(?!\s?%)|\[\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]|#\d+|\b\d+(?:st|nd|rd|th)\b",
            r"\b\d+[\s-](?:years?|quarters?|months?|weeks?|days?|hours?|minutes?)\b",
            rf"(?<![\w.])(?!(?:{CURRENCY_PREFIX})\d)[A-Za-z_](?=[\w./-]*\d)[\w./-]*\w",
            r"\b\d+(?:\.\d{1,2}){2,}\b|\b[0-9]+[a-f][0-9a-f]{5,}\b",
        )
    ),
    re.I | re.M,
)
"""Text with digits that is not a figure, in this order: addresses; dates and times; years; labels,
list numbers, citations and ordinals; durations; identifiers; versions and hashes."""
HEDGE_WORDS = {
    "over": r"over|above|(?<!no )(?<!not )more than|at least|no less than|exceed(?:s|ed|ing)|"
    r"upwards of",
    "under": r"under|below|at most|no(?:t)? more than|less than|nearly|almost|just short of",
    "about": r"about|around|roughly|approximately|approx\.|circa|ca\.|some|close to|~|≈",
}


def figures_in_prose(text: str) -> Iterator[Figure]:
    """Yield the figures of a text, in order."""
    masked = NON_FIGURE.sub(lambda match: "\0" * len(match.group()), text)
    for sentence in SENTENCE.finditer(masked):
        start, end = sentence.span()
        matches = list(FIGURE.finditer(masked, start, end))
        ranges = [(match.start() - start, match.end() - start) for match in matches]
        periods = find_periods(text[start:end], ranges)
        units = _figure_units(matches)
        for match, unit, period in zip(matches, units, periods, strict=True):
            before = masked[start : match.start()]
            yield _match_figure(match, unit, period, before, text[start:end].strip())


def _match_figure(
    match: re.Match[str], unit: str | None, period_info: PeriodInfo, before: str, sentence: str
) -> Figure:
    number = parse_number(match["number"])
    has_minus = (match["sign"] or match["inner"] or "").strip() in ("-", "–", "−")
    if has_minus or (match["loss"] and unit):
        number = number.copy_negate()
    hedges = (
        name
        for name, words in HEDGE_WORDS.items()
        if re.search(rf"(?<!\w)(?<!points )(?<!point )(?<!% )(?:{words})\s*$", before, re.I)
    )
    return build_figure(
        match.group().strip(),
        number,
        scale_factor(match["scale"] or ""),
        unit,
        period_info,
        hedge=next(hedges, ""),
        sentence=sentence,
    )


def parse_number(text: str) -> Decimal:
    """Parse a number in digits with separators, or in words."""
    if not re.search(r"\d", text):
        return parse_number_words(text)
    if re.fullmatch(r"0,\d+|\d+,\d{1,2}|[\d.]+\.\d{3},\d+", text):
        text = text.replace(".", "").replace(",", ".")
    elif text.count(".") > 1:
        text = text.replace(".", "")
    return Decimal(re.sub(r"[^\d.]", "", text))


def _figure_units(matches: list[re.Match[str]]) -> list[str | None]:
    """The unit of each figure. The first figure of a range or pair has the unit of the second."""
    units: list[str | None] = []
    next_match: re.Match[str] | None = None
    for match in reversed(matches):
        unit = find_unit(match["before"] or match["after"] or "")
        if unit is None and next_match is not None:
            between = match.string[match.end() : next_match.start()]
            if re.fullmatch(r"\s?(?:[-–—/]|to|and|or)\s?", between, re.I):
                unit = units[-1]
        elif unit is not None:
            unit += per_unit_suffix(match.string, match.end())
        units.append(unit)
        next_match = match
    return units[::-1]


def parse_number_words(text: str) -> Decimal:
    """Parse a match of `NUMBER_IN_WORDS` by adding up its words; "half" is 0.5."""
    words = re.split(r"[\s-]+", text.lower())
    value = sum((WORD_VALUES.get(word, Decimal(0)) for word in words), Decimal(0))
    if "half" in words:
        return value + Decimal("0.5")
    return value or Decimal(0 if words == ["zero"] else 1)

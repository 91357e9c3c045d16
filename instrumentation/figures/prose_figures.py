"""Prose: where a person states figures among years, list numbers and names with digits in them."""

import re
from collections.abc import Iterator
from decimal import Decimal

from instrumentation.figures.figure import Figure, value_interval
from instrumentation.figures.number_words import NUMBER_IN_WORDS, parse_number_words
from instrumentation.figures.periods import PeriodInfo, find_periods
from instrumentation.figures.units import (
    DATE_PATTERNS,
    MONTH_PATTERN,
    SCALE_SPELLINGS,
    UNIT_SPELLINGS,
    YEAR_PATTERN,
    find_spelling,
    per_unit_suffix,
    scale_factor,
    spelling_regex,
)

SENTENCE = re.compile(r"(?:[^.!?;\n]|[.!?;](?=\S))+[.!?;]*")
NUMBER = r"""(?:
    0,\d+
  | \d{1,3}(?P<gap>[,'’\u00a0\u2009\u202f\ ])\d{3}(?:(?P=gap)\d{3})*(?!\d)(?:\.\d+)?
  | \d{1,3}(?:\.\d{3})+,\d+
  | \d{1,3}(?:\.\d{3}){2,}
  | (?<!\d,)\d+,\d{1,2}(?![\d,])
  | \d*\.\d+
  | \d+)"""
"""1,200.5, 1 200, 1.200,5, 4,9 and .5: separators are read where they can mean one thing only, and
1,200 and 1.200 as they are meant in English."""
CURRENCY_PREFIX = r"US\$|[$€£¥₹]|USD|EUR|GBP|JPY|CHF|CNY|INR"
GAP = r"[ \u00a0\u202f-]?"
FIGURE = re.compile(
    rf"(?P<sign>(?<![\w%)])(?:[-–](?=\S)|[−+]\s?))?(?:(?P<before>{CURRENCY_PREFIX})\s?(?P<inner>[-−+])?)?"
    rf"(?P<loss>\((?=[\d.,]+\)))?(?<![\w.])(?P<number>(?x:{NUMBER})|\b{NUMBER_IN_WORDS})(?(loss)\))"
    rf"(?:{GAP}(?P<scale>{spelling_regex(SCALE_SPELLINGS)}))?(?:{GAP}(?P<after>{spelling_regex(UNIT_SPELLINGS)}))?(?!\w)",
    re.I,
)
"""A number with what belongs to it. A dash with a space after it is a bullet or a pause, no sign; a
number alone in brackets, its unit outside, is a loss: (3.2)%."""
LABEL_WORDS = (
    r"fig(?:ure|\.)?|tables?|sections?|chapters?|steps?|rules?|notes?|items?|page|p\.|appendix|annex|"
    r"parts?|phase|tasks?|no\.|footnote|equation|line|row|column|article|§"
)
NOT_COUNTED = rf"(?!{GAP}(?:{spelling_regex(SCALE_SPELLINGS)}|{spelling_regex(UNIT_SPELLINGS)}))"
NON_FIGURE = re.compile(
    "|".join(
        (
            r"https?://\S+|\b[\w.+-]+@[\w-]+\.\w[\w.]*",
            r"\b\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?|\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b|\b\d\d?:\d\d(?::\d\d)?\b",
            rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s{MONTH_PATTERN}\b",
            rf"\b{MONTH_PATTERN}\s\d{{1,2}}(?:st|nd|rd|th)?\b(?![.,]\d){NOT_COUNTED}",
            rf"\b(?:{DATE_PATTERNS['quarter']}|{DATE_PATTERNS['month']})(?!\w)|\b(?:FY|CY)\s?\d\d\b",
            rf"(?<![\w.,]){YEAR_PATTERN}\s?[-–/]\s?(?:{YEAR_PATTERN}|\d\d)\b(?![.,]\d){NOT_COUNTED}",
            rf"(?<![\w.,$€£¥])(?<![$€£¥]\s)(?:{YEAR_PATTERN}(?![.,]\d){NOT_COUNTED}|{YEAR_PATTERN}s)\b",
            rf"\bconstant {YEAR_PATTERN}\b",
            rf"\b(?:{LABEL_WORDS})\s?\d+(?:\.\d+)*\b{NOT_COUNTED}",
            r"^[ \t]*[-*>#]*[ \t]*\(?\d{1,2}[.)](?=\s)",
            r"\(\d{1,2}\)(?!\s?%)|\[\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]|#\d+|\b\d+(?:st|nd|rd|th)\b",
            r"\b\d+[\s-](?:years?|quarters?|months?|weeks?|days?|hours?|minutes?)\b",
            rf"(?<![\w.])(?!(?:{CURRENCY_PREFIX})\d)[A-Za-z_](?=[\w./-]*\d)[\w./-]*\w",
            r"\b\d+(?:\.\d{1,2}){2,}\b|\b[0-9]+[a-f][0-9a-f]{5,}\b",
        )
    ),
    re.I | re.M,
)
"""What holds digits and states no figure, in this order: addresses; dates and times; years; labels,
list numbers, citations and ordinals; spans of time; identifiers; versions and hashes."""
HEDGE_WORDS = {
    "over": r"over|above|(?<!no )(?<!not )more than|at least|no less than|exceed(?:s|ed|ing)|"
    r"upwards of",
    "under": r"under|below|at most|no(?:t)? more than|less than|nearly|almost|just short of",
    "about": r"about|around|roughly|approximately|approx\.|circa|ca\.|some|close to|~|≈",
}


def figures_in_prose(text: str) -> Iterator[Figure]:
    """The figures that a text states, in order."""
    bare = NON_FIGURE.sub(lambda left: "\0" * len(left.group()), text)
    for spoken in SENTENCE.finditer(bare):
        start, end = spoken.span()
        found = list(FIGURE.finditer(bare, start, end))
        told = find_periods(text[start:end], [(m.start() - start, m.end() - start) for m in found])
        units = _figure_units(found)
        for match, unit, period in zip(found, units, told, strict=True):
            words = bare[start : match.start()]
            yield _build_figure(match, unit, period, words, text[start:end].strip())


def _build_figure(
    match: re.Match[str], unit: str | None, told: PeriodInfo, before: str, where: str
) -> Figure:
    plain = parse_number(match["number"])
    factor = scale_factor(match["scale"] or "")
    if unit == "bp":
        unit, factor = "pp", factor / 100
    step = Decimal(1).scaleb(int(plain.as_tuple().exponent)) * factor
    signed = (match["sign"] or match["inner"] or "").strip() in ("-", "–", "−")
    negative = signed or bool(match["loss"] and unit)
    value = plain * factor * (-1 if negative else 1)
    hedges = (
        name
        for name, words in HEDGE_WORDS.items()
        if re.search(rf"(?<!\w)(?<!points )(?<!point )(?<!% )(?:{words})\s*$", before, re.I)
    )
    low, high = value_interval(value, step, next(hedges, ""))
    text = match.group().strip()
    period, dated, year = told
    return Figure(text, value, unit, period, low, high, dated, where, year)


def parse_number(text: str) -> Decimal:
    """A number as it was found, in digits with their separators or in words."""
    if not re.search(r"\d", text):
        return parse_number_words(text)
    if re.fullmatch(r"0,\d+|\d+,\d{1,2}|[\d.]+\.\d{3},\d+", text):
        text = text.replace(".", "").replace(",", ".")
    elif text.count(".") > 1:
        text = text.replace(".", "")
    return Decimal(re.sub(r"[^\d.]", "", text))


def _figure_units(found: list[re.Match[str]]) -> list[str | None]:
    """The unit of each figure; the first of a range or a pair has the unit of the second."""
    units: list[str | None] = []
    following: re.Match[str] | None = None
    for match in reversed(found):
        unit = find_spelling(UNIT_SPELLINGS, match["before"] or match["after"] or "")
        if unit is None and following is not None:
            between = match.string[match.end() : following.start()]
            if re.fullmatch(r"\s?(?:[-–—/]|to|and|or)\s?", between, re.I):
                unit = units[-1]
        elif unit is not None:
            unit += per_unit_suffix(match.string, match.end())
        units.append(unit)
        following = match
    return units[::-1]

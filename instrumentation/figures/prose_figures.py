"""Prose: where a person states figures among years, list numbers and names with digits in them."""

import re
from collections.abc import Iterator
from decimal import Decimal

from instrumentation.figures.figure import Figure, interval
from instrumentation.figures.number_words import SPELT, spelt_number
from instrumentation.figures.periods import Told, periods
from instrumentation.figures.units import (
    DATES,
    MONTH,
    SCALES,
    UNITS,
    YEAR,
    alternatives,
    each,
    named,
    scaled_by,
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
BEFORE = r"US\$|[$€£¥₹]|USD|EUR|GBP|JPY|CHF|CNY|INR"
GAP = r"[ \u00a0\u202f-]?"
FIGURE = re.compile(
    rf"(?P<sign>(?<![\w%)])(?:[-–](?=\S)|[−+]\s?))?(?:(?P<before>{BEFORE})\s?(?P<inner>[-−+])?)?"
    rf"(?P<loss>\((?=[\d.,]+\)))?(?<![\w.])(?P<number>(?x:{NUMBER})|\b{SPELT})(?(loss)\))"
    rf"(?:{GAP}(?P<scale>{alternatives(SCALES)}))?(?:{GAP}(?P<after>{alternatives(UNITS)}))?(?!\w)",
    re.I,
)
"""A number with what belongs to it. A dash with a space after it is a bullet or a pause, no sign; a
number alone in brackets, its unit outside, is a loss: (3.2)%."""
LABELS = (
    r"fig(?:ure|\.)?|tables?|sections?|chapters?|steps?|rules?|notes?|items?|page|p\.|appendix|annex|"
    r"parts?|phase|tasks?|no\.|footnote|equation|line|row|column|article|§"
)
COUNTED = rf"(?!{GAP}(?:{alternatives(SCALES)}|{alternatives(UNITS)}))"
LEFT_OUT = re.compile(
    "|".join(
        (
            r"https?://\S+|\b[\w.+-]+@[\w-]+\.\w[\w.]*",
            r"\b\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?|\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b|\b\d\d?:\d\d(?::\d\d)?\b",
            rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s{MONTH}\b",
            rf"\b{MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?\b(?![.,]\d){COUNTED}",
            rf"\b(?:{DATES['quarter']}|{DATES['month']})(?!\w)|\b(?:FY|CY)\s?\d\d\b",
            rf"(?<![\w.,]){YEAR}\s?[-–/]\s?(?:{YEAR}|\d\d)\b(?![.,]\d){COUNTED}",
            rf"(?<![\w.,$€£¥])(?<![$€£¥]\s)(?:{YEAR}(?![.,]\d){COUNTED}|{YEAR}s)\b",
            rf"\bconstant {YEAR}\b",
            rf"\b(?:{LABELS})\s?\d+(?:\.\d+)*\b{COUNTED}",
            r"^[ \t]*[-*>#]*[ \t]*\(?\d{1,2}[.)](?=\s)",
            r"\(\d{1,2}\)(?!\s?%)|\[\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]|#\d+|\b\d+(?:st|nd|rd|th)\b",
            r"\b\d+[\s-](?:years?|quarters?|months?|weeks?|days?|hours?|minutes?)\b",
            rf"(?<![\w.])(?!(?:{BEFORE})\d)[A-Za-z_](?=[\w./-]*\d)[\w./-]*\w",
            r"\b\d+(?:\.\d{1,2}){2,}\b|\b[0-9]+[a-f][0-9a-f]{5,}\b",
        )
    ),
    re.I | re.M,
)
"""What holds digits and states no figure, in this order: addresses; dates and times; years; labels,
list numbers, citations and ordinals; spans of time; identifiers; versions and hashes."""
HEDGES = {
    "over": r"over|above|(?<!no )(?<!not )more than|at least|no less than|exceed(?:s|ed|ing)|"
    r"upwards of",
    "under": r"under|below|at most|no(?:t)? more than|less than|nearly|almost|just short of",
    "about": r"about|around|roughly|approximately|approx\.|circa|ca\.|some|close to|~|≈",
}


def in_prose(text: str) -> Iterator[Figure]:
    """The figures that a text states, in order."""
    bare = LEFT_OUT.sub(lambda left: "\0" * len(left.group()), text)
    for spoken in SENTENCE.finditer(bare):
        start, end = spoken.span()
        found = list(FIGURE.finditer(bare, start, end))
        told = periods(text[start:end], [(m.start() - start, m.end() - start) for m in found])
        units = _units(found)
        for match, unit, period in zip(found, units, told, strict=True):
            words = bare[start : match.start()]
            yield _figure(match, unit, period, words, text[start:end].strip())


def _figure(match: re.Match[str], unit: str | None, told: Told, before: str, where: str) -> Figure:
    plain = plain_number(match["number"])
    factor = scaled_by(match["scale"] or "")
    if unit == "bp":
        unit, factor = "pp", factor / 100
    step = Decimal(1).scaleb(int(plain.as_tuple().exponent)) * factor
    signed = (match["sign"] or match["inner"] or "").strip() in ("-", "–", "−")
    negative = signed or bool(match["loss"] and unit)
    value = plain * factor * (-1 if negative else 1)
    hedges = (
        name
        for name, words in HEDGES.items()
        if re.search(rf"(?<!\w)(?<!points )(?<!point )(?<!% )(?:{words})\s*$", before, re.I)
    )
    low, high = interval(value, step, next(hedges, ""))
    text = match.group().strip()
    period, dated, year = told
    return Figure(text, value, unit, period, low, high, dated, where, year)


def plain_number(text: str) -> Decimal:
    """A number as it was found, in digits with their separators or in words."""
    if not re.search(r"\d", text):
        return spelt_number(text)
    if re.fullmatch(r"0,\d+|\d+,\d{1,2}|[\d.]+\.\d{3},\d+", text):
        text = text.replace(".", "").replace(",", ".")
    elif text.count(".") > 1:
        text = text.replace(".", "")
    return Decimal(re.sub(r"[^\d.]", "", text))


def _units(found: list[re.Match[str]]) -> list[str | None]:
    """The unit of each figure; the first of a range or a pair has the unit of the second."""
    units: list[str | None] = []
    following: re.Match[str] | None = None
    for match in reversed(found):
        unit = named(UNITS, match["before"] or match["after"] or "")
        if unit is None and following is not None:
            between = match.string[match.end() : following.start()]
            if re.fullmatch(r"\s?(?:[-–—/]|to|and|or)\s?", between, re.I):
                unit = units[-1]
        elif unit is not None:
            unit += each(match.string, match.end())
        units.append(unit)
        following = match
    return units[::-1]

"""Find the period of each figure in a sentence (year, quarter, month) from the words around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from instrumentation.figures.units import DATE_PATTERNS, PERIOD_SPELLINGS, YEAR_PATTERN

TextRange = tuple[int, int]
"""Start and end in a sentence."""
PeriodInfo = tuple[str | None, bool, str | None]
"""A period, whether it is known only from a date, and the year of the date."""

LINK_WORDS = r"(?:(?:at|on|as|an?|the|in|for|during|of|when|if|is|was|being|are|were)\s+){0,3}"
ADJACENT = re.compile(rf"\s*\(?,?\s*{LINK_WORDS}\(?", re.I)
"""Text allowed between a figure and an adjective after it: 0.8% (quarterly)."""
ADJACENT_PER = re.compile(r"\s*\(?(?:(?!and\b|but\b|or\b|while\b)[^\W\d]+\s+){0,3}", re.I)
"""Text allowed between a figure and "per quarter": 0.8% of GDP per quarter."""

PER_WORD = re.compile(r"(?:per|a|each|every)\b|/", re.I)
MENTIONS = tuple(
    (re.compile(rf"(?<![\w-])(?:{pattern})(?!\w)", re.I), period, patterns is DATE_PATTERNS)
    for patterns in (PERIOD_SPELLINGS, DATE_PATTERNS)
    for period, pattern in patterns.items()
)
"""Each spelling of a period as a whole word, its period, and whether it is a date."""


@dataclass(frozen=True)
class PeriodMention:
    """A word or a date that names a period.

    Attributes:
        is_date: It is a date ("2023Q4"), not a frequency ("quarterly").
        is_per_unit: It begins with "per", "each" or "every".
        year: The year of a date; None if it has none or several.
    """

    period: str
    is_date: bool
    text_range: TextRange
    is_per_unit: bool
    year: str | None


def find_periods(sentence: str, figures: Sequence[TextRange]) -> list[PeriodInfo]:
    """Return the period of each figure.

    It is named by a word right after the figure, or else by one before it, or else by a date.
    """
    mentions = _find_mentions(sentence)
    words = [mention for mention in mentions if not mention.is_date]
    dates = [mention for mention in mentions if mention.is_date]
    periods: list[PeriodInfo] = []
    for word, date in zip(
        _assign_mentions(sentence, figures, words),
        _assign_mentions(sentence, figures, dates),
        strict=True,
    ):
        mention, year = word or date, date.year if date else None
        known = (mention.period, mention.is_date) if mention else (None, False)
        periods.append((*known, year))
    return periods


@lru_cache(maxsize=4_096)  # records of one source repeat their units, dates and titles
def detect_period(text: str) -> str | None:
    """Return the period that a unit ("annual %") or a date ("2023Q4") names, or None."""
    mentions = _find_mentions(f"in {text}")
    words = [mention for mention in mentions if not mention.is_date]
    return next((mention.period for mention in words or mentions), None)


def _find_mentions(sentence: str) -> list[PeriodMention]:
    taken: list[TextRange] = []
    mentions: list[PeriodMention] = []
    for regex, period, is_date in MENTIONS:
        for match in regex.finditer(sentence):
            start, end = match.span()
            if any(start < other_end and other < end for other, other_end in taken):
                continue
            taken.append((start, end))
            is_per_unit = PER_WORD.match(match.group()) is not None
            year = _single_year(match)
            mentions.append(PeriodMention(period, is_date, (start, end), is_per_unit, year))
    return sorted(mentions, key=lambda mention: mention.text_range)


def _assign_mentions(
    sentence: str, figures: Sequence[TextRange], mentions: Sequence[PeriodMention]
) -> list[PeriodMention | None]:
    """For each figure, the mention right after it, or else the last free one before it."""
    after: list[PeriodMention | None] = []
    for index, (_, end) in enumerate(figures):
        next_start = figures[index + 1][0] if index + 1 < len(figures) else len(sentence)
        adjacent = (
            mention
            for mention in mentions
            if end <= mention.text_range[0] < next_start
            and _is_adjacent(sentence[end : mention.text_range[0]], mention)
        )
        after.append(next(adjacent, None))
    assigned: list[PeriodMention | None] = []
    for (start, _), own in zip(figures, after, strict=True):
        before = (
            mention
            for mention in reversed(mentions)
            if mention.text_range[1] <= start and mention not in after
        )
        assigned.append(own or next(before, None))
    return assigned


def _single_year(match: re.Match[str]) -> str | None:
    """The year of a date; None for 2023/24, which covers parts of two years."""
    year = re.search(YEAR_PATTERN, match.group())
    next_character = match.string[match.end() :][:1]
    return year.group() if year and next_character not in ("/", "-", "–") else None


def _is_adjacent(between: str, mention: PeriodMention) -> bool:
    return (ADJACENT_PER if mention.is_per_unit else ADJACENT).fullmatch(between) is not None

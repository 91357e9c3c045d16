"""A period: how often a figure falls due (year, quarter, month), told by the words around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from instrumentation.figures.units import DATE_PATTERNS, PERIOD_SPELLINGS, YEAR_PATTERN

TextRange = tuple[int, int]
"""Where something starts and ends in its sentence."""
PeriodInfo = tuple[str | None, bool, str | None]
"""A period, whether a date alone tells it, and the year of the date."""

LINK_WORDS = r"(?:(?:at|on|as|an?|the|in|for|during|of|when|if|is|was|being|are|were)\s+){0,3}"
ADJACENT = re.compile(rf"\s*\(?,?\s*{LINK_WORDS}\(?", re.I)
"""What may stand between a figure and an adjective that follows it: 0.8% (quarterly)."""
ADJACENT_PER = re.compile(r"\s*\(?(?:(?!and\b|but\b|or\b|while\b)[^\W\d]+\s+){0,3}", re.I)
"""What may stand between a figure and "per quarter": 0.8% of GDP per quarter."""


@dataclass(frozen=True)
class PeriodMention:
    """A word that tells a period, or a date, and where it stands."""

    period: str
    is_date: bool
    text_range: TextRange
    is_per_unit: bool
    year: str | None


def find_periods(sentence: str, figures: Sequence[TextRange]) -> list[PeriodInfo]:
    """The period of each figure of a sentence: a word right after it tells, else one before it,
    else a date."""
    mentions = _find_mentions(sentence)
    words = [mention for mention in mentions if not mention.is_date]
    dates = [mention for mention in mentions if mention.is_date]
    told: list[PeriodInfo] = []
    for word, date in zip(
        _assign_mentions(sentence, figures, words),
        _assign_mentions(sentence, figures, dates),
        strict=True,
    ):
        teller = word or date
        period, year = teller.period if teller else None, date.year if date else None
        told.append((period, teller is not None and teller.is_date, year))
    return told


def detect_period(text: str) -> str | None:
    """The period that a text tells by itself, such as a unit ("annual %") or a date ("2023Q4")."""
    mentions = _find_mentions(f"in {text}")
    words = [mention for mention in mentions if not mention.is_date]
    return next((mention.period for mention in words or mentions), None)


def _find_mentions(sentence: str) -> list[PeriodMention]:
    taken: list[TextRange] = []
    mentions: list[PeriodMention] = []
    for names, dated in ((PERIOD_SPELLINGS, False), (DATE_PATTERNS, True)):
        for period, spelt in names.items():
            for found in re.finditer(rf"(?<![\w-])(?:{spelt})(?!\w)", sentence, re.I):
                start, end = found.span()
                if any(start < other_end and other < end for other, other_end in taken):
                    continue
                taken.append((start, end))
                per = re.match(r"(?:per|a|each|every)\b|/", found.group(), re.I) is not None
                mentions.append(
                    PeriodMention(period, dated, (start, end), per, _single_year(found))
                )
    return sorted(mentions, key=lambda mention: mention.text_range)


def _assign_mentions(
    sentence: str, figures: Sequence[TextRange], mentions: Sequence[PeriodMention]
) -> list[PeriodMention | None]:
    after: list[PeriodMention | None] = []
    for number, (_, end) in enumerate(figures):
        until = figures[number + 1][0] if number + 1 < len(figures) else len(sentence)
        following = (mention for mention in mentions if end <= mention.text_range[0] < until)
        after.append(
            next((m for m in following if _is_adjacent(sentence[end : m.text_range[0]], m)), None)
        )
    told: list[PeriodMention | None] = []
    for (start, _), own in zip(figures, after, strict=True):
        before = (m for m in reversed(mentions) if m.text_range[1] <= start and m not in after)
        told.append(own or next(before, None))
    return told


def _single_year(found: re.Match[str]) -> str | None:
    """The year of a date; none of 2023/24, which is parts of two."""
    year = re.search(YEAR_PATTERN, found.group())
    return year.group() if year and found.string[found.end() :][:1] not in ("/", "-", "–") else None


def _is_adjacent(between: str, mention: PeriodMention) -> bool:
    return (ADJACENT_PER if mention.is_per_unit else ADJACENT).fullmatch(between) is not None

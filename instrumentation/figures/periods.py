"""A period: how often a figure falls due (year, quarter, month), told by the words around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from instrumentation.figures.units import DATES, PERIODS, YEAR

Place = tuple[int, int]
"""Where something starts and ends in its sentence."""
Told = tuple[str | None, bool, str | None]
"""A period, whether a date alone tells it, and the year of the date."""

LINKS = r"(?:(?:at|on|as|an?|the|in|for|during|of|when|if|is|was|being|are|were)\s+){0,3}"
NEAR = re.compile(rf"\s*\(?,?\s*{LINKS}\(?", re.I)
"""What may stand between a figure and an adjective that follows it: 0.8% (quarterly)."""
NEAR_PER = re.compile(r"\s*\(?(?:(?!and\b|but\b|or\b|while\b)[^\W\d]+\s+){0,3}", re.I)
"""What may stand between a figure and "per quarter": 0.8% of GDP per quarter."""


@dataclass(frozen=True)
class Mention:
    """A word that tells a period, or a date, and where it stands."""

    period: str
    dated: bool
    place: Place
    per: bool
    year: str | None


def periods(sentence: str, figures: Sequence[Place]) -> list[Told]:
    """The period of each figure of a sentence: a word right after it tells, else one before it,
    else a date."""
    mentions = _mentions(sentence)
    words = [mention for mention in mentions if not mention.dated]
    dates = [mention for mention in mentions if mention.dated]
    told: list[Told] = []
    for word, date in zip(
        _told(sentence, figures, words), _told(sentence, figures, dates), strict=True
    ):
        teller = word or date
        period, year = teller.period if teller else None, date.year if date else None
        told.append((period, teller is not None and teller.dated, year))
    return told


def period_of(text: str) -> str | None:
    """The period that a text tells by itself, such as a unit ("annual %") or a date ("2023Q4")."""
    mentions = _mentions(f"in {text}")
    words = [mention for mention in mentions if not mention.dated]
    return next((mention.period for mention in words or mentions), None)


def _mentions(sentence: str) -> list[Mention]:
    taken: list[Place] = []
    mentions: list[Mention] = []
    for names, dated in ((PERIODS, False), (DATES, True)):
        for period, spelt in names.items():
            for found in re.finditer(rf"(?<![\w-])(?:{spelt})(?!\w)", sentence, re.I):
                start, end = found.span()
                if any(start < other_end and other < end for other, other_end in taken):
                    continue
                taken.append((start, end))
                per = re.match(r"(?:per|a|each|every)\b|/", found.group(), re.I) is not None
                mentions.append(Mention(period, dated, (start, end), per, _year(found)))
    return sorted(mentions, key=lambda mention: mention.place)


def _told(
    sentence: str, figures: Sequence[Place], mentions: Sequence[Mention]
) -> list[Mention | None]:
    after: list[Mention | None] = []
    for number, (_, end) in enumerate(figures):
        until = figures[number + 1][0] if number + 1 < len(figures) else len(sentence)
        following = (mention for mention in mentions if end <= mention.place[0] < until)
        after.append(next((m for m in following if _near(sentence[end : m.place[0]], m)), None))
    told: list[Mention | None] = []
    for (start, _), own in zip(figures, after, strict=True):
        before = (m for m in reversed(mentions) if m.place[1] <= start and m not in after)
        told.append(own or next(before, None))
    return told


def _year(found: re.Match[str]) -> str | None:
    """The year of a date; none of 2023/24, which is parts of two."""
    year = re.search(YEAR, found.group())
    return year.group() if year and found.string[found.end() :][:1] not in ("/", "-", "–") else None


def _near(between: str, mention: Mention) -> bool:
    return (NEAR_PER if mention.per else NEAR).fullmatch(between) is not None

"""An agreement: a figure of a report is one that a source states; else, in words, why it is not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from instrumentation.figures.figure import Figure

NEAREST_TOLERANCE = Decimal("0.25")
"""How far the nearest source may be, as a share of a figure, to be worth a word."""
SCALE_SLIPS = {3: "a thousand", 6: "a million", 9: "a billion", 2: "a hundred"}
"""Powers of ten by which a figure slips."""
NEGATIVE_WORDS = r"negative|minus|loss(?:es)?|lost|deficits?|deflation|below zero"
DIRECTION_WORDS = re.compile(
    rf"\b(?:(?P<minus>{NEGATIVE_WORDS})|(?P<falling>f[ae]ll(?:s|en|ing)?|down|declin\w+|decreas\w+|drop\w*|lower\w*|"
    r"shr[aiu]nk\w*|contract\w+|reduc\w+|cuts?)|(?P<rising>r[io]se[sn]?|rising|gr[eo]w(?:s|n|ing)?|"
    r"increas\w+|gain(?:s|ed)?|climb\w*|expand\w+|up|higher|positive|surplus\w*))\b",
    re.I,
)
"""Words that give a figure a sign: a state, a way down, a way up."""


@dataclass(frozen=True)
class SupportedFigure:
    """A figure of a report, the figures of the sources that it stands on, and how: "stated", or
    what was made of them."""

    figure: Figure
    sources: tuple[Figure, ...]
    derivation: str = "stated"


@dataclass(frozen=True)
class UnsupportedFigure:
    """A figure of a report that no source bears out, and why, in words."""

    figure: Figure
    reason: str

    def __str__(self) -> str:
        return f"{self.figure.text}: {self.reason}"


def find_stated(figure: Figure, sources: Sequence[Figure]) -> SupportedFigure | None:
    """The first source that states the figure, if any does."""
    return next(
        (
            SupportedFigure(figure, (source,))
            for source in sources
            if _value_matches(figure, source) and _is_compatible(figure, source)
        ),
        None,
    )


def _is_compatible(figure: Figure, source: Figure) -> bool:
    return figure.same_unit(source) and figure.same_period(source) and figure.same_year(source)


def unsupported_reason(figure: Figure, sources: Sequence[Figure]) -> str:
    """Why no source bears the figure out: the nearest thing that one says."""
    if not sources:
        return "the sources state no figures"
    for source in sources:
        if _value_matches(figure, source) and figure.same_unit(source):
            if figure.same_period(source):
                return f"the source gives it for {source.year}, the report for {figure.year}"
            return f"the source gives it per {source.period}, the report per {figure.period}"
    for source in sources:
        if _value_matches(figure, source):
            return f"the source says {source.unit}, the report {figure.unit}"
    for source in sources:
        if figure.covers(-source.value):
            return f"no source has it; one has {source.text}, with the other sign"
    return _scale_slip_reason(figure, sources) or _nearest_reason(figure, sources)


def _value_matches(figure: Figure, source: Figure) -> bool:
    """Whether the value is the source's, as rounded; "fell 0.9" is what -0.9 means."""
    if figure.covers(source.value):
        return True
    return source.value < 0 < figure.value and figure.covers(-source.value) and _is_decrease(figure)


def _is_decrease(figure: Figure) -> bool:
    """Whether the last word about it says so ("shrank 3.2%"), or one right after ("3.2% lower").

    "Fell to 3.2%" tells where it ended, and not by how much it fell.
    """
    before, _, after = figure.sentence.partition(figure.text)
    said = list(DIRECTION_WORDS.finditer(before))
    told = said[-1] if said else DIRECTION_WORDS.match(re.sub(r"^\W*(?:GDP |real )?", "", after))
    if told is None or told["rising"]:
        return False
    return told["minus"] is not None or not re.search(r"\bto\s*$", before)


def _scale_slip_reason(figure: Figure, sources: Sequence[Figure]) -> str | None:
    """A source that is a thousand, a million … times as large or as small."""
    for power, times in SCALE_SLIPS.items():
        for source in sources:
            for sign, word in ((power, "smaller"), (-power, "larger")):
                if source.value and figure.covers(source.value.scaleb(sign)):
                    return f"no source has it; one has {source.text}, {times} times {word}"
    return None


def _nearest_reason(figure: Figure, sources: Sequence[Figure]) -> str:
    alike = [source for source in sources if figure.same_unit(source)]
    nearest = min(alike, key=lambda source: abs(source.value - figure.value), default=None)
    if nearest is None or abs(nearest.value - figure.value) > abs(figure.value) * NEAREST_TOLERANCE:
        return "no source has it"
    unit = f" {nearest.unit}" if nearest.unit and nearest.unit not in nearest.text else ""
    return f"no source has it; the nearest is {nearest.text}{unit}"

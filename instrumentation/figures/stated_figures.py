"""Find a source that states a figure, rounded or not, or explain why none does."""

import re
from collections.abc import Sequence
from decimal import Decimal

from instrumentation.figures.figure import Figure, SupportedFigure

NEAREST_TOLERANCE = Decimal("0.25")
"""A source is reported as the nearest one only if it differs by at most this share."""
SCALE_SLIPS = {3: "a thousand", 6: "a million", 9: "a billion", 2: "a hundred"}
"""Powers of ten by which figures are often wrong."""
NEGATIVE_WORDS = r"negative|minus|loss(?:es)?|lost|deficits?|deflation|below zero"
DIRECTION_WORDS = re.compile(
    rf"\b(?:(?P<minus>{NEGATIVE_WORDS})|"
    r"(?P<falling>f[ae]ll(?:s|en|ing)?|down|declin\w+|decreas\w+|drop\w*|lower\w*|"
    r"shr[aiu]nk\w*|contract\w+|reduc\w+|cuts?)|(?P<rising>r[io]se[sn]?|rising|gr[eo]w(?:s|n|ing)?|"
    r"increas\w+|gain(?:s|ed)?|climb\w*|expand\w+|up|higher|positive|surplus\w*))\b",
    re.I,
)
"""Words that give a figure a sign: negative states, decreases, increases."""


def find_stated(figure: Figure, sources: Sequence[Figure]) -> SupportedFigure | None:
    """Return the first source that states the figure, or None."""
    for source in sources:
        is_compatible = figure.same_unit(source) and figure.same_period(source)
        if is_compatible and figure.same_year(source) and _value_matches(figure, source):
            return SupportedFigure(figure, (source,))
    return None


def unsupported_reason(figure: Figure, sources: Sequence[Figure]) -> str:
    """Explain why no source supports the figure, by what the nearest source states."""
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
    """Return whether the value is the source's, rounded. "Fell 0.9" matches -0.9."""
    if figure.covers(source.value):
        return True
    has_other_sign = source.value < 0 < figure.value and figure.covers(-source.value)
    return has_other_sign and _is_decrease(figure)


def _is_decrease(figure: Figure) -> bool:
    """Return whether the figure is a decrease: "shrank 3.2%", or "3.2% lower".

    "Fell to 3.2%" is not one: it states the level, not the change.
    """
    before, _, after = figure.sentence.partition(figure.text)
    words_before = list(DIRECTION_WORDS.finditer(before))
    word_after = DIRECTION_WORDS.match(re.sub(r"^\W*(?:GDP |real )?", "", after))
    direction = words_before[-1] if words_before else word_after
    if direction is None or direction["rising"]:
        return False
    return direction["minus"] is not None or not re.search(r"\bto\s*$", before)


def _scale_slip_reason(figure: Figure, sources: Sequence[Figure]) -> str | None:
    """Name a source that is a thousand, a million … times as large or as small."""
    for power, times in SCALE_SLIPS.items():
        for source in sources:
            for exponent, word in ((power, "smaller"), (-power, "larger")):
                if source.value and figure.covers(source.value.scaleb(exponent)):
                    return f"no source has it; one has {source.text}, {times} times {word}"
    return None


def _nearest_reason(figure: Figure, sources: Sequence[Figure]) -> str:
    same_unit = [source for source in sources if figure.same_unit(source)]
    nearest = min(same_unit, key=lambda source: abs(source.value - figure.value), default=None)
    max_distance = abs(figure.value) * NEAREST_TOLERANCE
    if nearest is None or abs(nearest.value - figure.value) > max_distance:
        return "no source has it"
    unit = f" {nearest.unit}" if nearest.unit and nearest.unit not in nearest.text else ""
    return f"no source has it; the nearest is {nearest.text}{unit}"

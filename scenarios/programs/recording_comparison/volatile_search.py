"""Find the rules under which two texts are equal: dates, times, ids and paths that changed.

A known kind of part is tried first. Of what is left, a single word with digits that follows the
same words in both texts becomes a rule of its own: `session 48213` and `session 99120` give
`(?<=session )\\d+`. Words of letters are never explained: they are what the agents said.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from scenarios.tape.requests.volatile import VolatileRule

MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
WEEKDAY = r"(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )"
KNOWN_RULES = tuple(
    VolatileRule(name, pattern)
    for name, pattern in (
        (
            "timestamp",
            r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?",
        ),
        ("uuid", r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
        ("date", r"\b\d{4}-\d\d-\d\d\b"),
        (
            "date",
            rf"\b{WEEKDAY}?(?:{MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
            rf"|\d{{1,2}}(?:st|nd|rd|th)? {MONTH},? \d{{4}})\b",
        ),
        ("date", r"\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b"),
        ("time", r"(?<![\d:.])\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[AaPp]\.?[Mm]\b\.?)?(?!\d)"),
        ("temporary path", r"(?:/private)?(?:/tmp|/var/folders|/var/tmp)/[^\s\"'<>|,;]+"),
        ("home", r"/(?:home|Users)/[^/\s\"'<>|,;]+"),
        ("local port", r"(?<=(?:127\.0\.0\.1|localhost):)\d+"),
        ("address", r"\b0x[0-9a-fA-F]{6,}\b"),
        ("unix time", r"\b1[6-9]\d{8}(?:\d{3}|\.\d+)?\b"),
        ("duration", r"\b\d+(?:\.\d+)? ?(?:ms|s|seconds?|minutes?)\b"),
        ("id", r"\b[A-Za-z]{2,12}[_-](?=[A-Za-z0-9]*\d)[A-Za-z0-9]{8,}\b"),
        ("id", r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,64}\b"),
    )
)
WORD = re.compile(r"[\w-]+|\s+|[^\w\s]")
MAX_CONTEXT_CHARS = 40
CONTEXT_WORDS = 3


def find_rules(before: str, after: str) -> tuple[VolatileRule, ...]:
    """Return the rules that explain differences between two texts; not always all of them."""
    found = list[VolatileRule]()
    for rule in KNOWN_RULES:
        if before == after:
            break
        if _changed_values(rule, before, after):
            found.append(rule)
            before, after = rule.replace(before), rule.replace(after)
    for rule in _contextual_rules(before, after):
        if before == after:
            break
        if rule.replace(before) != before and rule not in found:
            found.append(rule)
            before, after = rule.replace(before), rule.replace(after)
    return tuple(found)


def merge_rules(rules: Iterable[VolatileRule]) -> tuple[VolatileRule, ...]:
    """Return each rule once, known ones first, in the order in which they must be applied."""
    unique = dict.fromkeys(rules)
    known = [rule for rule in KNOWN_RULES if rule in unique]
    return (*known, *(rule for rule in unique if rule not in known))


def _changed_values(rule: VolatileRule, before: str, after: str) -> bool:
    """Return whether both texts have as many matches, some of which differ."""
    old, new = (re.findall(rule.pattern, text) for text in (before, after))
    return len(old) == len(new) and old != new


def _contextual_rules(before: str, after: str) -> Iterator[VolatileRule]:
    """Yield a rule for each single word with digits that differs after the same words."""
    old, new = WORD.findall(before), WORD.findall(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for op, i, i_end, j, j_end in matcher.get_opcodes():
        if op != "replace" or (i_end - i, j_end - j) != (1, 1):
            continue
        word_class = _common_class(old[i], new[j])
        context = _context(old[:i])
        if word_class and context.strip():
            name = f"value after {context.strip()}"
            yield VolatileRule(name, f"(?<={re.escape(context)}){word_class}")


def _context(words: list[str]) -> str:
    """Return the end of a text: the last words, on one line, without any that may change, too."""
    kept = "".join(words[-2 * CONTEXT_WORDS :])[-MAX_CONTEXT_CHARS:]
    return re.split(r"\n|\S*[\d<>]\S*", kept)[-1]


def _common_class(old: str, new: str) -> str | None:
    """Return a pattern for both words; None if one of them has no digit."""
    if old.isdigit() and new.isdigit():
        return r"\d+"
    if any(c.isdigit() for c in old) and any(c.isdigit() for c in new):
        return r"[\w-]+"
    return None

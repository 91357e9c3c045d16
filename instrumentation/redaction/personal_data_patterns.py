"""Patterns of personal data: e-mail addresses, cards, bank accounts and names."""

import re
from collections.abc import Iterable

from instrumentation.redaction.contextual_patterns import CONTEXTUAL_PATTERNS, LIKELY_PHONES
from instrumentation.redaction.pattern import RedactionPattern

FILE_SUFFIXES = (
    "png|jpe?g|gif|svg|webp|ico|bmp|avif|pdf|txt|html?|css|js|mjs|jsx|tsx?|json|ya?ml|toml|xml|csv|ini|"
    "cfg|lock|log|tgz|tar|gz|bz2|whl|jar|exe|dll|woff2?|ttf|map|mp[34]|wav|avi"
)
"""Endings of files that are not endings of domains: `logo@2x.png` is no address."""
ATTRIBUTES = "transpose|weights?|bias|data|values?|shape|reshape|inverse|grad|array|mean|sum|dot"
"""What code takes from a matrix: `x@self.weight`."""
EMAIL = RedactionPattern(
    "e-mail",
    r"@(?!\d(?:\.\d)?x\.|v?\d+\.\d)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}"
    rf"(?!(?i:{FILE_SUFFIXES}|{ATTRIBUTES})(?![\w-]))[^\W\d_]{{2,24}}(?![\w(\[]|\.[A-Za-z]|:[\w.~-]*/)",
    (b"@",),
    before_regex=re.compile(r"(?!tig(?![\w.+~%-]))[\w.+~%-]{1,64}"),
)
"""RFC 5321, as people write addresses: no quoted names, no hosts without a domain. `git@host`, and
`user@host:path/…`, are the address of a repository or of a file."""


LUHN_DOUBLED = str.maketrans("0123456789", "0246813579")


def _has_luhn_check_digit(digits: str) -> bool:
    """Return whether the check digit is right: ISO/IEC 7812-1, annex B."""
    doubled = digits[-2::-2].translate(LUHN_DOUBLED)
    return sum(map(int, digits[::-2] + doubled)) % 10 == 0


def _card_number_length(text: str) -> int:
    """How much of a match is a card number: of 19 digits in groups, the first 16 may be one."""
    positions = [position for position, character in enumerate(text) if character.isdigit()]
    if len(positions) == 19 == len(text):
        return 0  # a number in a database, such as a snowflake id
    for count in (len(positions), 16):
        digits = "".join(text[position] for position in positions[:count])
        if count <= len(positions) and _has_luhn_check_digit(digits):
            return positions[count - 1] + 1
    return 0


NUMBER_NAMES = (
    "ids?|seed|timestamp|time|nonce|hash|cursor|offset|count|size|bytes|version|checksum|ns|us"
)
"""How names of numbers end that are no cards."""
NUMBER_NAME = re.compile(
    rf"(?:.*[^A-Za-z])?(?i:{NUMBER_NAMES})|.*[a-z](?:Ids?|ID|IDs|Timestamp|Hash)"
)
AFTER_NUMBER_NAME = re.compile(
    rf"[\d,\s\"'\\]{{0,48}}[\[(]?\s{{0,4}}[\"'\\]{{0,8}}\s{{0,4}}[:=]\s{{0,4}}[\"'\\]{{0,8}}"
    rf"(?:(?i:{'|'.join(name[::-1] for name in NUMBER_NAMES.replace('ids?', 'id|ids').split('|'))})"
    r"(?![A-Za-z])|(?:s?dI|s?DI|pmatsemiT|hsaH)(?=[a-z]))"
)
"""Such a name and its separator, read backwards."""


def is_number_field(name: str) -> bool:
    """Return whether a field of this name holds an id or a measure, never a card number."""
    return NUMBER_NAME.fullmatch(name) is not None


def _card_regex(separator: str) -> str:
    """An expression for card numbers whose groups all have one separator, or none."""
    gap = rf"(?P<gap>{separator})"
    return (
        rf"(?<![\w.-])(?:(?:4\d|5[0-8]|2[2-7]|6\d|35)\d\d{gap}\d{{4}}(?P=gap)\d{{4}}(?P=gap)\d{{4}}"
        r"(?:(?P=gap)\d{3})?"
        rf"|3[47]\d\d{gap.replace('gap', 'amex')}\d{{6}}(?P=amex)\d{{5}}"
        rf"|3[0689]\d\d{gap.replace('gap', 'diners')}\d{{6}}(?P=diners)\d{{4}})(?!-?\w|\.\d)"
    )


CARD = RedactionPattern(
    "card number",
    _card_regex("[ \u00a0\u2000-\u200b\u202f\u205f\u3000\u2010-\u2015\u2212-]?"),
    shape=b"0" * 14,
    match_length=_card_number_length,
    not_after=AFTER_NUMBER_NAME,
)
"""The number on a payment card, grouped as on the card or not at all. The first digits of issuers
exclude other long numbers: a time in nanoseconds begins with 1, and a decimal has a point."""
CARDS_WITH_DOTS = tuple(
    RedactionPattern(
        "card number", _card_regex(r"\."), shape=shape, match_length=_card_number_length
    )
    for shape in (b"0000.0000.0000.0000", b"0000.000000.0000")
)

IBAN_LENGTHS = {
    country: int(length)
    for length, countries in {
        "15": "NO", "16": "BE", "18": "DK FK FI FO GL NL SD", "19": "MK SI",
        "20": "AT BA EE KZ LT LU MN XK", "21": "CH HR LI LV",
        "22": "BG BH CR DE GB GE IE ME RS VA", "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR",
        "27": "BI DJ FR GR IT MC MR SM", "28": "AL AZ BY CY DO GT HN HU LB NI PL SV",
        "29": "BR EG PS QA UA", "30": "JO KW MU YE", "31": "MT SC", "32": "LC", "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
"""How many characters an account number has, by country: the registry of ISO 13616."""


def _iban_length(text: str) -> int:
    """How much of a match is an account number; its country determines the length."""
    positions = [position for position, character in enumerate(text) if character.isalnum()]
    length = IBAN_LENGTHS.get(text[:2].upper(), 0)
    if not length or len(positions) < length:
        return 0
    end = positions[length - 1] + 1
    number = text[:end]
    may_be_ungrouped = number[:2].isupper() and "-" not in number
    if text[end : end + 1].isalnum() or not (may_be_ungrouped or _is_grouped_by_four(number)):
        return 0
    plain = "".join(text[position] for position in positions[:length])
    rearranged = "".join(str(int(character, 36)) for character in plain[4:] + plain[:4])
    return end if int(rearranged) % 97 == 1 else 0


def _is_grouped_by_four(text: str) -> bool:
    """Return whether a number is in groups of four, or in one: a UUID is not."""
    *groups, last = re.split(r"[^A-Za-z0-9]", text)
    return not groups or (len(last) <= 4 and all(len(group) == 4 for group in groups))


IBAN = RedactionPattern(
    "IBAN",
    "(?<![A-Za-z0-9])(?:[A-Z]{2}|[a-z]{2})\\d{2}"
    "(?:[ \u00a0\u2007\u2009\u202f.-]?[A-Za-z0-9]){11,29}",
    word_shape=re.compile(rb"0(?<=AA0)(?<!AAA0)0"),
    match_length=_iban_length,
)
"""ISO 13616, with the check digits of ISO/IEC 7064."""
PERSONAL_DATA_PATTERNS = (EMAIL, CARD, *CARDS_WITH_DOTS, IBAN, *CONTEXTUAL_PATTERNS)

INTRODUCED_NAME = RedactionPattern(
    "name",
    r"\b(?i:my name is|my name's|ich heiße|mein name ist|je m'appelle|me llamo|mi chiamo)[ :]+"
    r"(?P<secret>[^\W\d_][\w'’-]*(?: [A-ZÀ-ÖØ-Þ][\w'’-]*){0,3})",
)
"""A name by which somebody introduces themselves. No rule knows names otherwise."""
CONTACT_PATTERNS = (*LIKELY_PHONES, INTRODUCED_NAME)
"""Patterns that may also match other figures and words: for data that leaves the trace store."""

MIN_NAME_CHARS = 3
NO_NAMES = frozenset({"anonymous", "default", "human", "unknown", "user"})


def make_name_patterns(names: Iterable[str]) -> tuple[RedactionPattern, ...]:
    """A pattern of the names of known people, such as the user of a trace; () without names."""
    known = {name for name in map(str.strip, names) if len(name) >= MIN_NAME_CHARS}
    listed = sorted((name for name in known if name.casefold() not in NO_NAMES), key=len)
    if not listed:
        return ()
    words = "|".join(map(re.escape, reversed(listed)))
    return (RedactionPattern("name", rf"(?<!\w)(?i:{words})(?!\w)"),)

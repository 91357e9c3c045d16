"""Patterns of personal data: e-mail addresses, payment card numbers and bank account numbers."""

import re

from instrumentation.redaction.pattern import RedactionPattern

EMAIL = RedactionPattern(
    "e-mail",
    re.compile(r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}"),
    (b"@",),
    before_regex=re.compile(r"[\w.+~%-]{1,64}"),
)
"""RFC 5321, as people write addresses: no quoted names, no hosts without a domain."""


LUHN_DOUBLED = str.maketrans("0123456789", "0246813579")


def _has_luhn_check_digit(digits: str) -> bool:
    """Return whether the check digit is right: ISO/IEC 7812-1, annex B."""
    doubled = digits[-2::-2].translate(LUHN_DOUBLED)
    return sum(map(int, digits[::-2] + doubled)) % 10 == 0


def _card_number_length(text: str) -> int:
    """How much of a match is a card number: of 19 digits, the first 16 may be one."""
    positions = [position for position, character in enumerate(text) if character.isdigit()]
    for count in (len(positions), 16):
        digits = "".join(text[position] for position in positions[:count])
        if count <= len(positions) and _has_luhn_check_digit(digits):
            return positions[count - 1] + 1
    return 0


CARD = RedactionPattern(
    "card number",
    re.compile(
        r"(?<![\w.])(?:"
        r"(?:4\d|5[0-8]|2[2-7]|6\d|35)\d\d[ \u00a0-]?\d{4}[ \u00a0-]?\d{4}[ \u00a0-]?\d{4}"
        r"(?:[ \u00a0-]?\d{3})?|3[47]\d\d[ \u00a0-]?\d{6}[ \u00a0-]?\d{5}"
        r"|3[0689]\d\d[ \u00a0-]?\d{6}[ \u00a0-]?\d{4})(?!\w|\.\d)"
    ),
    shape=b"0" * 14,
    match_length=_card_number_length,
)
"""The number on a payment card, grouped as on the card or not at all. The first digits of issuers
exclude other long numbers: a time in nanoseconds begins with 1, and a decimal has a point."""

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
    number = "".join(text[position] for position in positions[:length]).upper()
    rearranged = "".join(str(int(character, 36)) for character in number[4:] + number[:4])
    return positions[length - 1] + 1 if int(rearranged) % 97 == 1 else 0


IBAN = RedactionPattern(
    "IBAN",
    re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \u00a0-]?[A-Z0-9]){11,29}"),
    shape=b"AA00",
    match_length=_iban_length,
)
"""ISO 13616, with the check digits of ISO/IEC 7064."""
PERSONAL_DATA_PATTERNS = (EMAIL, CARD, IBAN)

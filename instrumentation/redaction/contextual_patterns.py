"""Patterns of numbers that only the words around them make personal: phones, PINs, one-time codes.

`123-45-6789` may be an order, `4827` anything. After "SSN" or "PIN" they are secrets.
"""

import re

from instrumentation.redaction.pattern import RedactionPattern

WORD_START = r"(?:(?<![^\W\d_])|(?<=[a-z])(?=[A-Z]))"
"""Also within a name, such as `user_pin` or `contactPhone`."""
QUOTES = r"[\"'`*_\\]{0,20}"
LINK = (
    rf"{QUOTES}\s{{0,4}}(?:[:=|#(>]{{1,2}}|\s-\s|(?i:is|was|ist|lautet|est|es|at|on|under)\b:?)"
    rf"{QUOTES}\s{{0,4}}[\"'`*\\(\[]{{0,20}}"
)
"""The text between a name and its number."""
NUMBER_END = r"(?![\w%]|[.,:/-]\d)"
NUMBER_WORD = r"(?i:\.|[ _-]?(?:number|no\.?|nr\.?|num))?"

SOCIAL_SECURITY_ANCHORS = (b"ssn", b"social")
SOCIAL_SECURITY_NUMBERS = (
    RedactionPattern(
        "SSN",
        rf"{WORD_START}(?i:ssn(?![a-z])|social)[^\d\n]{{0,32}}\s{{0,4}}"
        r"(?P<secret>(?!000|666)\d{3}(?P<dash>[ -])(?!00)\d\d(?P=dash)(?!0000)\d{4})(?![\w-])",
        SOCIAL_SECURITY_ANCHORS,
    ),
    RedactionPattern(
        "SSN",
        rf"{WORD_START}(?i:ssn|social[ _-]?security){NUMBER_WORD}(?:{LINK}|\s{{1,3}})"
        r"(?P<secret>\d{9})(?![\w.-])",
        SOCIAL_SECURITY_ANCHORS,
    ),
)
PINS = (
    RedactionPattern(
        "PIN",
        rf"{WORD_START}(?i:pin(?:[ _-]?code)?){NUMBER_WORD}{LINK}(?P<secret>\d{{4,8}}){NUMBER_END}",
        (b"pin",),
    ),
    RedactionPattern(
        "PIN",
        rf"(?<![^\W\d_])PIN(?i:[ -]?(?:code|number))?\s(?P<secret>\d{{4,6}}){NUMBER_END}",
        (b"pin",),
    ),
)
"""Four to eight digits: `LED_PIN=13` is the pin of a chip."""
CODE_KINDS = (
    *("verification", "login", "log-in", "security", "authentication", "confirmation", "access"),
    *("sign-in", "signin"),
)
CODE_NAME = (
    r"(?:one[ _-]?time|verification|log[ _-]?in|security|2fa|mfa|authentication|confirmation"
    r"|access|sign[ _-]?in)[ _-]?(?:pass)?(?:code|word|pin)|t?otp|passcode"
)
ONE_TIME_CODES = (
    RedactionPattern(
        "one-time code",
        rf"(?:{WORD_START}(?i:{CODE_NAME}|einmal\w{{3,8}}|(?-i:TAN)(?=:)"
        r"|code de v.{1,6}rification)"
        r"|(?i:tigungscode|digo de verificaci.{1,6}n))"
        rf"(?i:[ _-]?(?:code|number))?(?:{LINK}|\s)"
        rf"(?P<secret>\d{{4,8}}|\d{{3}}[ -]\d{{3}}){NUMBER_END}",
        (
            *(
                b"otp",
                b"totp",
                b"one-time",
                b"one time",
                b"one_time",
                b"onetime",
                b"2fa code",
                b"2fa_code",
                b"mfa",
            ),
            *(b"passcode", b"einmal", b"tigungscode", b"tan:", b"code de v", b"digo de verificaci"),
            *(
                f"{word}{space}{code}".encode()
                for word in CODE_KINDS
                for space in ("", " ", "_")
                for code in ("code", "pin")
            ),
        ),
    ),
    RedactionPattern(
        "one-time code",
        r"(?<=(?<!\w)(?P<secret>\d{6}) [ia])s your (?:[\w'-]{1,20} ){0,3}?"
        rf"(?i:{CODE_NAME})(?![^\W_])",
        (b"s your ",),
    ),
)


def _phone_length(text: str) -> int:
    """How much of a match is a phone number, of at most 15 digits (E.164), not a coordinate."""
    is_decimal = ("." in text and "-" in text) or re.search(r"\.\d{5}", text)
    return 0 if is_decimal else _long_number_length(text)


def _long_number_length(text: str) -> int:
    return len(text) if 10 <= sum(map(str.isdigit, text)) <= 17 else 0


NORTH_AMERICA = r"[2-9]\d\d\D{0,2}[2-9]\d\d[ .-]?\d{4}(?!\d)"
GROUPED_PHONE = (
    r"(?:0\d{2,4}[ /-]{1,3}\d(?:[ -]?\d){4,9}|0[1-9](?:[ .]\d\d){4}"
    r"|\(0?[1-9]\d{1,4}\)[ -]?\d{3,4}[ -]?\d{3,6}|[2-9]\d\d[ .-]?[2-9]\d\d[ .-]?\d{4}"
    r"|00[1-9]\d?[ -]\d(?:[ /()-]{0,2}\d){7,12})"
)
PHONE_ANCHORS = (
    *(b"phone", b"telefon", b"fono:", b'fono"', b"fax", b"whatsapp"),
    *(b"tel.", b"tel:", b"tel ", b"tel=", b'tel"', b"tel'"),
)
PHONE_NAME = rf"(?<!smart)(?<!head)(?:(?i:phone|telefon|fono|fax|whatsapp)|{WORD_START}(?i:tel))"
PHONES = (
    RedactionPattern(
        "phone",
        r"(?<![\w+.,)])\+(?!\d{4}-\d\d-\d\d)"
        rf"(?!1(?!\D{{0,3}}{NORTH_AMERICA}))"
        r"[1-9](?:[ \u00a0()./-]{0,2}\d){8,14}(?![\w%]|[.,:]\d)",
        (b"+",),
        match_length=_phone_length,
    ),
    RedactionPattern(
        "phone",
        rf"{PHONE_NAME}{NUMBER_WORD}{LINK}(?P<secret>(?!\d{{4}}-\d\d-\d\d)"
        rf"\+?\(?\d(?:[ ()./-]{{0,2}}\d){{6,14}}){NUMBER_END}",
        PHONE_ANCHORS,
    ),
    RedactionPattern(
        "phone",
        rf"(?:{PHONE_NAME}|{WORD_START}(?i:mobil|mobile|handy|cell|my number"
        r"|(?:call|text|reach)(?: (?:me|us|him|her|them))?))"
        rf"{NUMBER_WORD}(?:{LINK}|[\s.:]{{1,3}})(?P<secret>{GROUPED_PHONE}){NUMBER_END}",
        (*PHONE_ANCHORS, b"mobil", b"handy:", b"cell", b"call ", b"text ", b"reach ", b"my number"),
    ),
)
"""In international form, and after words such as "phone"."""
CONTEXTUAL_PATTERNS = (*SOCIAL_SECURITY_NUMBERS, *PINS, *ONE_TIME_CODES, *PHONES)

PHONE_WORDS = r"phone|tel(?:ephone|efon)?|mobile|cell|fax|whatsapp|(?:call|ring|text) (?:me|us)"
LIKELY_PHONES = (
    RedactionPattern(
        "phone",
        r"(?<![\w+.,])00[1-9](?:[ \u00a0()./-]{0,2}\d){8,14}(?![\w%]|[.,]\d)",
        match_length=_long_number_length,
    ),
    RedactionPattern(
        "phone",
        r"(?<![\w(.,-])\(?[2-9]\d\d(?:\) ?|[ .-])[2-9]\d\d[ .-]\d{4}(?![\w%-]|[.,]\d)",
        shape=b"0000",
    ),
    RedactionPattern(
        "phone",
        rf"\b(?i:{PHONE_WORDS})\b[^\w+]{{0,4}}(?:(?i:number|no|on|at|is|under)\b[^\w+]{{0,4}}){{0,2}}"
        r"(?P<secret>\+?\(?\d(?:[ ()./-]{0,2}\d){5,14})(?![\w%]|[.,]\d)",
    ),
)
"""Without a word before them, and short ones: may also match other figures."""

"""The spellings of units, scales, periods and dates in texts, as regular expressions."""

import re
from decimal import Decimal
from functools import lru_cache

UNIT_SPELLINGS = {
    "pp": r"percentage[ -]points?|%[ -]?points?|p\.p\.|ppts?|pp|(?<!index )points?",
    "bp": r"basis[ -]points?|bps?",
    "%": r"%|percent(?!age)|per[ ]cent|pct",
    "USD": r"(?:constant |current )?(?:(?:19|20)\d\d )?US\$|\$|USD|(?:US )?dollars?",
    "EUR": r"€|EUR|euros?",
    "GBP": r"£|GBP|pounds? sterling|pounds?",
    "JPY": r"¥|JPY|yen",
    "CHF": r"CHF|Swiss francs?",
    "CNY": r"CNY|RMB|yuan",
    "INR": r"₹|INR|rupees?",
    "km": r"km|kilomet(?:re|er)s?",
    "mi": r"miles?",
    "kg": r"kg|kilograms?|kilos?",
    "t": r"tonnes?|metric tons?",
    "kWh": r"kWh",
    "MWh": r"MWh",
    "GWh": r"GWh",
    "MW": r"MW|megawatts?",
    "GW": r"GW|gigawatts?",
    "ms": r"ms|milliseconds?|msecs?",
    "s": r"seconds?|secs?",
    "barrels": r"barrels?|bbl",
    "°C": r"°[ ]?C",
    "people": r"people|persons|inhabitants|residents|(?<=population in )number",
    "times": r"times|×|x|-?fold",
}
"""The canonical name of each known unit, and its spellings."""
PER_UNIT = re.compile(
    "|".join(UNIT_SPELLINGS[of] for of in ("km", "kg", "t", "kWh", "MWh", "GWh", "barrels")).join(
        (r"\s?(?:/|per\b)\s?(", r")(?!\w)")
    ),
    re.I,
)
"""A second unit after the first one, as in EUR/kWh."""

SCALE_SPELLINGS = {
    Decimal(10) ** 8: r"hundred million",
    Decimal(10) ** 5: r"hundred thousand",
    Decimal(100): r"hundred",
    Decimal(10) ** 3: r"thousands?|(?<=\d)k",
    Decimal(10) ** 6: r"millions?|mn|mio\.?|(?<=\d)m",
    Decimal(10) ** 9: r"billions?|bn|(?<=\d)b",
    Decimal(10) ** 12: r"trillions?|trn?|tn",
}
"""Factors and their words; single letters must follow the number directly: 1.2m."""

PERIOD_SPELLINGS = {
    "year": r"annual(?:ly)?|yearly|annuali[sz]ed|year[ -](?:on|over)[ -]year|y/y|yoy|p\.a\."
    r"|per annum|(?:per|a|each|every|/) ?(?:year|yr)\b(?! (?:ago|earlier|before|later))",
    "quarter": r"quarterly|quarter[ -](?:on|over)[ -]quarter|q/q|qoq|"
    r"(?:per|a|each|every|/) ?quarter\b(?! of\b)",
    "month": r"monthly|month[ -](?:on|over)[ -]month|m/m|mom|"
    r"(?:per|a|each|every|/) ?month\b(?! (?:ago|earlier|before|later))",
}
"""Periods and their spellings."""

PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}
"""The length of a period, in months."""

MONTH_PATTERN = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
YEAR_PATTERN = r"(?:1[5-9]|20|21)\d\d"
DATE_PATTERNS = {
    "quarter": rf"{YEAR_PATTERN}[ -]?Q[1-4]|Q[1-4][ /-]?(?:of )?(?:{YEAR_PATTERN}|'?\d\d)?|"
    rf"(?:first|second|third|fourth|last|1st|2nd|3rd|4th) quarter(?: of)?(?: {YEAR_PATTERN})?",
    "month": rf"{YEAR_PATTERN}-?M(?:0?[1-9]|1[0-2])|{YEAR_PATTERN}-(?:0[1-9]|1[0-2])(?![-\d])|"
    rf"{MONTH_PATTERN} {YEAR_PATTERN}",
    "year": rf"(?:FY|CY) ?(?:{YEAR_PATTERN}|\d\d)|(?<=in ){YEAR_PATTERN}|(?<=for ){YEAR_PATTERN}|"
    rf"(?<=during ){YEAR_PATTERN}",
}
"""The spellings of dates, by the period that they name."""


def spelling_regex(spellings: dict[str, str] | dict[Decimal, str]) -> str:
    """Return a regular expression that matches any of the spellings as whole words."""
    return "|".join(rf"(?:{spelling})(?![\w²³])" for spelling in spellings.values())


def per_unit_suffix(text: str, start: int) -> str:
    """Return the suffix for a unit that ends at `start`: "/kWh" for "EUR per kWh", or ""."""
    match = PER_UNIT.match(text, start)
    return f"/{find_unit(match[1])}" if match else ""


@lru_cache(maxsize=4_096)  # a program states its figures in few units
def find_unit(text: str) -> str | None:
    """Return the first unit with a spelling that matches the whole text, or None."""
    names = (
        name
        for name, spelling in UNIT_SPELLINGS.items()
        if re.fullmatch(spelling, text.strip(), re.IGNORECASE)
    )
    return next(names, None)


@lru_cache(maxsize=4_096)
def scale_factor(text: str) -> Decimal:
    """Return the factor of a scale word, such as 1000 for "thousand"; 1 if it is not one."""
    word = text.strip()
    for factor, spelling in SCALE_SPELLINGS.items():
        if re.fullmatch(re.sub(r"\(\?<=[^)]*\)", "", spelling), word, re.IGNORECASE):
            return factor
    return Decimal(1)

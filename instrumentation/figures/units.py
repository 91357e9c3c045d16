"""A unit: what a number counts, how large one of it is, and how often it falls due, in words."""

import re
from decimal import Decimal

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
    "barrels": r"barrels?|bbl",
    "°C": r"°[ ]?C",
    "people": r"people|persons|inhabitants|residents|(?<=population in )number",
    "times": r"times|×|x|-?fold",
}
"""Each unit as it is kept, and how it is written. What is in none of these is no known unit."""
PER_UNIT = re.compile(
    "|".join(UNIT_SPELLINGS[of] for of in ("km", "kg", "t", "kWh", "MWh", "GWh", "barrels")).join(
        (r"\s?(?:/|per\b)\s?(", r")(?!\w)")
    ),
    re.I,
)
"""What may follow a unit: of how much it is told, as in EUR/kWh."""

SCALE_SPELLINGS = {
    Decimal(10) ** 8: r"hundred million",
    Decimal(10) ** 5: r"hundred thousand",
    Decimal(100): r"hundred",
    Decimal(10) ** 3: r"thousands?|(?<=\d)k",
    Decimal(10) ** 6: r"millions?|mn|mio\.?|(?<=\d)m",
    Decimal(10) ** 9: r"billions?|bn|(?<=\d)b",
    Decimal(10) ** 12: r"trillions?|trn?|tn",
}
"""By what a word multiplies the number before it; single letters stand close to it: 1.2m."""

PERIOD_SPELLINGS = {
    "year": r"annual(?:ly)?|yearly|annuali[sz]ed|year[ -](?:on|over)[ -]year|y/y|yoy|p\.a\."
    r"|per annum|(?:per|a|each|every|/) ?(?:year|yr)\b(?! (?:ago|earlier|before|later))",
    "quarter": r"quarterly|quarter[ -](?:on|over)[ -]quarter|q/q|qoq|"
    r"(?:per|a|each|every|/) ?quarter\b(?! of\b)",
    "month": r"monthly|month[ -](?:on|over)[ -]month|m/m|mom|"
    r"(?:per|a|each|every|/) ?month\b(?! (?:ago|earlier|before|later))",
}
"""How often a figure falls due, as it is written."""

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
    "month": rf"{YEAR_PATTERN}-?M(?:0?[1-9]|1[0-2])|{YEAR_PATTERN}-(?:0[1-9]|1[0-2])(?![-\d])|{MONTH_PATTERN} {YEAR_PATTERN}",
    "year": rf"(?:FY|CY) ?(?:{YEAR_PATTERN}|\d\d)|(?<=in ){YEAR_PATTERN}|(?<=for ){YEAR_PATTERN}|(?<=during ){YEAR_PATTERN}",
}
"""How a date is written, by the length of what it names."""


def spelling_regex(names: dict[str, str] | dict[Decimal, str]) -> str:
    """A regular expression for any of the spellings, whole words where they are words."""
    return "|".join(rf"(?:{spelt})(?![\w²³])" for spelt in names.values())


def per_unit_suffix(text: str, start: int) -> str:
    """Of how much a unit that ends here is told: "/kWh" in "EUR per kWh", or nothing."""
    found = PER_UNIT.match(text, start)
    return f"/{find_spelling(UNIT_SPELLINGS, found[1])}" if found else ""


def find_spelling(names: dict[str, str], text: str) -> str | None:
    """The first of these that the text names as a whole."""
    found = (name for name, spelt in names.items() if re.fullmatch(spelt, text.strip(), re.I))
    return next(found, None)


def scale_factor(text: str) -> Decimal:
    """What a scale word multiplies by; 1 where there is none."""
    word = text.strip()
    for factor, spelt in SCALE_SPELLINGS.items():
        if re.fullmatch(re.sub(r"\(\?<=[^)]*\)", "", spelt), word, re.I):
            return factor
    return Decimal(1)

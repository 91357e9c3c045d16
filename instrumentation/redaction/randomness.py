"""Tell a random text, such as a key, from words and numbers that people chose."""

import re

MIN_CHARS = 10
MIN_CHANGES = 3
CHANGE = re.compile(r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[a-z])(?=[A-Z])")
"""Where a letter follows a digit, a digit a letter, or a capital a small letter."""
FILE_NAME = re.compile(r".*\.[A-Za-z]\w{1,4}")


def looks_random(text: str) -> bool:
    """Return whether digits, small and capital letters change too often for words and numbers."""
    if len(text) < MIN_CHARS or FILE_NAME.fullmatch(text):
        return False
    has_digit = any(character.isdigit() for character in text)
    return len(CHANGE.findall(text)) >= (MIN_CHANGES if has_digit else 2 * MIN_CHANGES)

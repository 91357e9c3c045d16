"""Format counts and lists: `2 exchanges`, `a, b … (14 in total)`."""

from collections.abc import Iterator
from itertools import islice

MAX_LISTED_WORDS = 12


def count_of(number: int, noun: str) -> str:
    """Return a number and a noun, in the plural unless the number is one: `2 exchanges`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def list_words(words: tuple[str, ...]) -> str:
    """Join the words with commas; of many, the first `MAX_LISTED_WORDS` and the total."""
    more = f" … ({len(words)} in total)" if len(words) > MAX_LISTED_WORDS else ""
    return ", ".join(words[:MAX_LISTED_WORDS]) + more


def list_entries(entries: list[str], limit: int) -> Iterator[str]:
    """Yield the entries as indented lines; of many, the first ones and the total."""
    yield from (f"  {entry}" for entry in islice(entries, limit))
    if len(entries) > limit:
        yield f"  … {len(entries)} in total"

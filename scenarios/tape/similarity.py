"""Find how similar two texts are, and suggest known words that are similar to an unknown one."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice

from scenarios.reports.wording import list_words

PIECE_CHARS = 3
"""Texts are compared by their pieces of this size, so that a typing error costs little."""

MAX_COMPARED_WORDS = 1000
"""An unknown word is compared with at most this many known words, to limit the time."""


@lru_cache(maxsize=1024)
def pieces(text: str) -> frozenset[str]:
    """Return the pieces of a text."""
    return frozenset(
        text[at : at + PIECE_CHARS] for at in range(max(1, len(text) - PIECE_CHARS + 1))
    )


def similarity(text: str, other: str) -> float:
    """Return the share of pieces that both texts have, from 0 to 1."""
    if text == other:
        return 1.0
    mine, theirs = pieces(text), pieces(other)
    common = len(mine & theirs)
    return common / (len(mine) + len(theirs) - common)


def closest_word(word: str, words: Iterable[str]) -> str | None:
    """Return the most similar of the first `MAX_COMPARED_WORDS` words, or None."""
    return next(iter(get_close_matches(word, list(islice(words, MAX_COMPARED_WORDS)), 1)), None)


def suggest_nearest(word: str, words: tuple[str, ...]) -> str:
    """Return the end of an error message: the nearest known word, or else a list of all."""
    nearest = closest_word(word, words)
    if nearest:
        return f"; nearest: {nearest!r}"
    return f"; known: {list_words(words)}" if words else ""

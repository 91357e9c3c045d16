"""How much two texts have in common, by their pieces of three characters."""

from functools import lru_cache

PIECE_CHARS = 3
"""Texts are compared by their pieces of this size, so that a typing error costs little."""


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
    return len(mine & theirs) / len(mine | theirs)

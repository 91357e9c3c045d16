"""Show how two texts differ, word by word: [-removed-] and {+added+}, as `git diff --word-diff`."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from rich.text import Text

WORD = re.compile(r"\s+|\w+|[^\w\s]")
CONTEXT_WORDS = 12
"""How many unchanged words and spaces are marked before and after a change."""
MAX_WORDS = 4000
"""Longer texts are compared by lines, to limit the time."""
LINE = re.compile(r"[^\n]*\n|[^\n]+")


def diff_words(before: str, after: str) -> Text:
    """Return both texts in one, with the words that differ marked and coloured.

    Long unchanged parts are shortened. The colours are seen on a terminal only.
    """
    pieces = WORD if len(before) + len(after) < MAX_WORDS * 6 else LINE
    old, new = pieces.findall(before), pieces.findall(after)
    marked = Text()
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for index, (op, i, i_end, j, j_end) in enumerate(codes):
        if op == "equal":
            is_edge = index == 0, index == len(codes) - 1
            marked.append("".join(_shorten(old[i:i_end], *is_edge)))
            continue
        if i < i_end:
            marked.append(f"[-{''.join(old[i:i_end])}-]", style="red")
        if j < j_end:
            marked.append(f"{{+{''.join(new[j:j_end])}+}}", style="green")
    return marked


def _shorten(words: list[str], is_first: bool, is_last: bool) -> Iterator[str]:
    """The words near a change; those far from it become an ellipsis."""
    head = 0 if is_first else CONTEXT_WORDS
    tail = 0 if is_last else CONTEXT_WORDS
    if len(words) <= head + tail + 1:
        yield from words
        return
    yield from words[:head]
    yield " … " if head and tail else "…"
    yield from words[len(words) - tail :]

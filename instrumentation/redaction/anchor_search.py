"""Anchors: many words that are looked for in a text at once, of which it mostly has none.

Each `word in text` reads the whole text. An expression that begins with a single character is
looked for as quickly as memory is read; so words that share one which is rare go together, as one.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

RARE_BYTES = b"@&?_%zqjx:/-kvbw"
"""What is rare in what agents say, the rarest first."""


class AnchorSearch:
    """Words in lower case, to be found in a text in lower case."""

    def __init__(self, words: Iterable[bytes]) -> None:
        of_rarest: dict[bytes, set[bytes]] = defaultdict(set)
        for word in words:
            of_rarest[bytes(next(([rare] for rare in RARE_BYTES if rare in word), []))].add(word)
        self._alone = of_rarest.pop(b"", set())
        self._together = [
            (_compile_group(words, rarest), words) for rarest, words in of_rarest.items()
        ]

    def find_in(self, lower: bytes) -> set[bytes]:
        """Those that the text has."""
        likely = [words for any_of, words in self._together if any_of.search(lower)]
        return {word for words in (*likely, self._alone) for word in words if word in lower}


def _compile_group(words: Iterable[bytes], character: bytes) -> re.Pattern[bytes]:
    """Matches at the `character` of any of the words."""
    split = [word.partition(character) for word in sorted(words)]
    spelt = [
        (b"(?<=%s)" % re.escape(before + own) if before else b"") + re.escape(after)
        for before, own, after in split
    ]
    return re.compile(re.escape(character) + b"(?:" + b"|".join(spelt) + b")")

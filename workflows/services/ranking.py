"""A ranking: documents in the order in which they fit a query, by Okapi BM25.

Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
Foundations and Trends in Information Retrieval 3(4), 2009. https://doi.org/10.1561/1500000019
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

SATURATION = 1.2
"""k1: how soon it stops to matter that a word stands there once more."""
LENGTH = 0.75
"""b: how far a long document must say a word more often than a short one, from 0 to 1."""
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Document:
    """A fact about a country, whose code is that of ISO 3166-1 (FRA), and where it comes from."""

    country: str
    title: str
    text: str
    source: str


@dataclass(frozen=True)
class Ranking:
    """Documents with the words of each counted, and in how many of them each word stands."""

    documents: tuple[tuple[Document, Counter[str]], ...]
    spread: Counter[str]
    mean_words: float

    @classmethod
    def of(cls, documents: Iterable[Document]) -> "Ranking":
        """The documents, of which there is one at least, counted."""
        counted = tuple((one, Counter(_words(f"{one.title} {one.text}"))) for one in documents)
        spread = Counter(word for _, words in counted for word in words)
        total = sum(words.total() for _, words in counted)
        return cls(counted, spread, total / len(counted))

    def best(self, query: str, country: str | None, most: int) -> list[tuple[Document, float]]:
        """At most so many documents that fit, the best first, each with its score, above 0.

        With a country (a code, as FRA) only those of that country.
        """
        scored = [
            (document, self._score(_words(query), words))
            for document, words in self.documents
            if country in (None, document.country)
        ]
        fitting = [found for found in scored if found[1] > 0]
        return sorted(fitting, key=itemgetter(1), reverse=True)[:most]

    def _score(self, query: Iterable[str], words: Counter[str]) -> float:
        relative = 1 - LENGTH + LENGTH * words.total() / self.mean_words
        return sum(
            self._weight(word)
            * words[word]
            * (SATURATION + 1)
            / (words[word] + SATURATION * relative)
            for word in query
        )

    def _weight(self, word: str) -> float:
        """How much a word tells: the more, the fewer documents it stands in."""
        holds = self.spread[word]
        return math.log(1 + (len(self.documents) - holds + 0.5) / (holds + 0.5))


def _words(text: str) -> tuple[str, ...]:
    return tuple(found.casefold() for found in WORD.findall(text))

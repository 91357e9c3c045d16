"""Ranking of documents for a query by Okapi BM25.

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
"""k1: how soon further repetitions of a word stop mattering."""
LENGTH_PENALTY = 0.75
"""b: how much more often a long document must repeat a word than a short one, from 0 to 1."""
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Document:
    """A fact about a country, by its ISO 3166-1 alpha-3 code (FRA), and its source."""

    country: str
    title: str
    text: str
    source: str


@dataclass(frozen=True)
class Ranking:
    """Documents with their word counts, and for each word the number of documents with it."""

    documents: tuple[tuple[Document, Counter[str]], ...]
    document_counts: Counter[str]
    mean_words: float

    @classmethod
    def from_documents(cls, documents: Iterable[Document]) -> "Ranking":
        """Count the words of the documents; there must be at least one."""
        counted = tuple((one, Counter(_words(f"{one.title} {one.text}"))) for one in documents)
        document_counts = Counter(word for _, words in counted for word in words)
        total = sum(words.total() for _, words in counted)
        return cls(counted, document_counts, total / len(counted))

    def best(self, query: str, country: str | None, max_count: int) -> list[tuple[Document, float]]:
        """Return at most `max_count` matching documents, the best first, with their scores above 0.

        With a country (a code such as FRA) only the documents of that country.
        """
        scored = [
            (document, self._score(_words(query), words))
            for document, words in self.documents
            if country in (None, document.country)
        ]
        matching = [match for match in scored if match[1] > 0]
        return sorted(matching, key=itemgetter(1), reverse=True)[:max_count]

    def _score(self, query: Iterable[str], words: Counter[str]) -> float:
        relative = 1 - LENGTH_PENALTY + LENGTH_PENALTY * words.total() / self.mean_words
        return sum(
            self._weight(word)
            * words[word]
            * (SATURATION + 1)
            / (words[word] + SATURATION * relative)
            for word in query
        )

    def _weight(self, word: str) -> float:
        """The inverse document frequency: rare words count more."""
        count = self.document_counts[word]
        return math.log(1 + (len(self.documents) - count + 0.5) / (count + 0.5))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.casefold() for word in WORD.findall(text))

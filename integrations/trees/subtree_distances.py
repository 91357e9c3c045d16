"""Subtrees of two groves: how far apart they are, and which siblings are best taken for which.

A subtree is a number, and alike ones are one number, so that each two are compared once.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from integrations.trees.forest import SPAN_COST, Forest, difference_cost
from integrations.trees.span_shape import SpanShape


class SubtreeDistances:
    """What was compared so far. Spans that are unlike may be one only where `same` says so."""

    def __init__(self, may_match: Callable[[SpanShape, SpanShape], bool]) -> None:
        self._same = may_match
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._spans: list[SpanShape | None] = []
        self._children: list[tuple[int, ...]] = []
        self._sizes: list[int] = []
        self._apart: dict[tuple[int, int], int] = {}
        self._of_spans = cache(difference_cost)

    def number_subtrees(self, grove: Forest, places: Collection[int]) -> dict[int, int]:
        """The number of the subtree at each of these places, where no other place is left."""
        numbers: dict[int, int] = {}
        for place in sorted(places, reverse=True):
            beneath = (numbers[child] for child in grove.children[place] if child in numbers)
            numbers[place] = self._number(grove.shapes[place], tuple(sorted(beneath)))
        return numbers

    def _number(self, span: SpanShape | None, children: tuple[int, ...]) -> int:
        alone = span and (span.name, span.type, span.status, span.attributes)
        number = self._numbers.setdefault((alone, children), len(self._numbers))
        if number == len(self._spans):
            self._spans.append(SpanShape(*alone) if alone else None)
            self._children.append(children)
            self._sizes.append(1 + sum(self._sizes[child] for child in children))
        return number

    def saving(self, golden: int, seen: int) -> int:
        """What it saves to take one subtree for the other, and not for one lost and one new."""
        return SPAN_COST * (self._sizes[golden] + self._sizes[seen]) - self.distance(golden, seen)

    def distance(self, golden: int, seen: int) -> int:
        """The lowest price of what tells two subtrees apart, where no span moves between levels.

        Those beneath are compared first, on a list of what is due: no recursion is deep enough.
        """
        due = [] if (golden, seen) in self._apart else [(golden, seen)]
        while due:
            pair = due[-1]
            if pair in self._apart:
                due.pop()
            elif first := [each for each in self._pending_pairs(*pair) if each not in self._apart]:
                due.extend(first)
            else:
                self._apart[pair] = self._compute_distance(*pair)
        return self._apart[golden, seen]

    def _pending_pairs(self, golden: int, seen: int) -> Iterator[tuple[int, int]]:
        """The pairs that must be compared before this one can be."""
        if golden != seen and not self._cannot_match(golden, seen):
            yield from product(self._children[golden], self._children[seen])

    def _cannot_match(self, golden: int, seen: int) -> bool:
        one, other = self._spans[golden], self._spans[seen]
        return one is not None and other is not None and not self._same(one, other)

    def _compute_distance(self, golden: int, seen: int) -> int:
        if golden == seen:
            return 0
        if self._cannot_match(golden, seen):
            return SPAN_COST * (self._sizes[golden] + self._sizes[seen])
        beneath, above = self._children[golden], self._children[seen]
        alone = SPAN_COST * (self._sizes[golden] + self._sizes[seen] - 2)
        kept = sum(
            self.saving(beneath[i], above[j]) for i, j in self.match_siblings(beneath, above)
        )
        return self._of_spans(self._spans[golden], self._spans[seen]) + alone - kept

    def match_siblings(self, golden: Sequence[int], seen: Sequence[int]) -> list[tuple[int, int]]:
        """Which of the one siblings is which of the others, by index, at the lowest price.

        Alike ones go together first: prices obey the triangle inequality, so nothing is lost by it.
        """
        pairs = _equal_pairs(golden, seen)
        taken, given = {i for i, _ in pairs}, {j for _, j in pairs}
        rows = [i for i in range(len(golden)) if i not in taken]
        columns = [j for j in range(len(seen)) if j not in given]
        saved = [[self.saving(golden[i], seen[j]) for j in columns] for i in rows]
        return pairs + [(rows[i], columns[j]) for i, j in assign_pairs(saved)]


def assign_pairs(saved: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """The rows and columns whose pairs save most together; those that save nothing stay alone."""
    if not saved or not saved[0]:
        return []
    matrix = np.maximum(np.array(saved), 0)
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if matrix[i, j] > 0]


def _equal_pairs(golden: Sequence[int], seen: Sequence[int]) -> list[tuple[int, int]]:
    both = Counter(golden) & Counter(seen)
    return [
        pair
        for number, times in both.items()
        for pair in zip(_indices(golden, number)[:times], _indices(seen, number), strict=False)
    ]


def _indices(numbers: Sequence[int], wanted: int) -> list[int]:
    return [index for index, number in enumerate(numbers) if number == wanted]

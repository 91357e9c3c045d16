"""Distances between the subtrees of two traces, and the cheapest assignment of siblings.

Each distinct subtree gets a number, and equal subtrees the same number, so that each pair of
subtrees is compared once.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from integrations.goldens.trees.span_forest import SPAN_COST, Forest, difference_cost
from integrations.goldens.trees.span_shape import SpanShape


class SubtreeDistances:
    """Compares subtrees by number and caches the results.

    Roots of two unequal subtrees may be matched only if `may_match` allows it.
    """

    def __init__(self, may_match: Callable[[SpanShape, SpanShape], bool]) -> None:
        self._may_match = may_match
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._spans: list[SpanShape | None] = []
        self._children: list[tuple[int, ...]] = []
        self._sizes: list[int] = []
        self._distances: dict[tuple[int, int], int] = {}
        self._difference_cost = cache(difference_cost)

    def number_subtrees(self, forest: Forest, indices: Collection[int]) -> dict[int, int]:
        """Return the number of the subtree at each index, without spans at other indices."""
        numbers: dict[int, int] = {}
        for index in sorted(indices, reverse=True):
            children = (numbers[child] for child in forest.children[index] if child in numbers)
            numbers[index] = self._number(forest.shapes[index], tuple(sorted(children)))
        return numbers

    def _number(self, span: SpanShape | None, children: tuple[int, ...]) -> int:
        own = span and (span.name, span.type, span.status, span.attributes)
        number = self._numbers.setdefault((own, children), len(self._numbers))
        if number == len(self._spans):
            self._spans.append(SpanShape(*own) if own else None)
            self._children.append(children)
            self._sizes.append(1 + sum(self._sizes[child] for child in children))
        return number

    def saving(self, golden: int, actual: int) -> int:
        """Return what it saves to match two subtrees, compared with one lost and one new."""
        return SPAN_COST * (self._sizes[golden] + self._sizes[actual]) - self.distance(
            golden, actual
        )

    def distance(self, golden: int, actual: int) -> int:
        """Return the lowest cost of the differences, if no span moves between levels.

        Subtrees below are compared first, with an explicit stack instead of recursion, because
        trees may be deeper than Python's stack.
        """
        pending = [] if (golden, actual) in self._distances else [(golden, actual)]
        while pending:
            pair = pending[-1]
            if pair in self._distances:
                pending.pop()
            elif first := [
                each for each in self._pairs_below(*pair) if each not in self._distances
            ]:
                pending.extend(first)
            else:
                self._distances[pair] = self._compute_distance(*pair)
        return self._distances[golden, actual]

    def _pairs_below(self, golden: int, actual: int) -> Iterator[tuple[int, int]]:
        """Yield the pairs whose distance is needed for this one."""
        if golden != actual and not self._cannot_match(golden, actual):
            yield from product(self._children[golden], self._children[actual])

    def _cannot_match(self, golden: int, actual: int) -> bool:
        old, new = self._spans[golden], self._spans[actual]
        return old is not None and new is not None and not self._may_match(old, new)

    def _compute_distance(self, golden: int, actual: int) -> int:
        if golden == actual:
            return 0
        if self._cannot_match(golden, actual):
            return SPAN_COST * (self._sizes[golden] + self._sizes[actual])
        old_children, new_children = self._children[golden], self._children[actual]
        unmatched = SPAN_COST * (self._sizes[golden] + self._sizes[actual] - 2)
        saved = sum(
            self.saving(old_children[i], new_children[j])
            for i, j in self.match_siblings(old_children, new_children)
        )
        differences = self._difference_cost(self._spans[golden], self._spans[actual])
        return differences + unmatched - saved

    def match_siblings(self, golden: Sequence[int], actual: Sequence[int]) -> list[tuple[int, int]]:
        """Return the cheapest assignment of siblings, as pairs of positions.

        Equal subtrees are assigned first. Because costs obey the triangle inequality, that is never
        more expensive.
        """
        pairs = _equal_pairs(golden, actual)
        used_golden, used_actual = {i for i, _ in pairs}, {j for _, j in pairs}
        rows = [i for i in range(len(golden)) if i not in used_golden]
        columns = [j for j in range(len(actual)) if j not in used_actual]
        savings = [[self.saving(golden[i], actual[j]) for j in columns] for i in rows]
        return pairs + [(rows[i], columns[j]) for i, j in assign_pairs(savings)]


def assign_pairs(savings: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Return the row-column pairs that save most together, without those that save nothing."""
    if not savings or not savings[0]:
        return []
    matrix = np.maximum(np.array(savings), 0)
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if matrix[i, j] > 0]


def _equal_pairs(golden: Sequence[int], actual: Sequence[int]) -> list[tuple[int, int]]:
    common = Counter(golden) & Counter(actual)
    return [
        pair
        for number, times in common.items()
        for pair in zip(
            _positions(golden, number)[:times], _positions(actual, number), strict=False
        )
    ]


def _positions(numbers: Sequence[int], wanted: int) -> list[int]:
    return [position for position, number in enumerate(numbers) if number == wanted]

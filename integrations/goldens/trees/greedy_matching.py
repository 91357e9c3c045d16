"""Pair the spans of a golden with the spans of a run, so that few differences remain (greedy).

It goes down from the roots and matches siblings with siblings. Then it matches the rest anywhere:
whole subtrees first, single spans second. Each step is optimal; their sum need not be.
"""

from collections.abc import Iterable, Iterator, Mapping

from integrations.goldens.trees.span_forest import (
    ROOT,
    SPAN_COST,
    Forest,
    Matching,
    difference_cost,
)
from integrations.goldens.trees.subtree_distances import SubtreeDistances, assign_pairs


class GreedyMatching:
    """A search that starts with `pairs` and keeps them.

    `distances` decides which spans may be matched.
    """

    def __init__(
        self,
        golden: Forest,
        actual: Forest,
        distances: SubtreeDistances,
        pairs: Mapping[int, int],
    ) -> None:
        self._golden, self._actual, self._distances = golden, actual, distances
        self._pairs = dict(pairs)
        self._reverse_pairs = {new: old for old, new in pairs.items()}
        self._matching = Matching(golden, actual, self._pairs, self._reverse_pairs)

    def run(self) -> Matching:
        """Return the matching that the search finds."""
        self._number_subtrees()
        if ROOT not in self._pairs:
            self._pair(ROOT, ROOT)
        while self._match_subtrees() or self._match_single_spans():
            pass
        return self._matching

    def _number_subtrees(self) -> None:
        """Number the subtrees of all spans that are not paired yet."""
        self._lost = self._distances.number_subtrees(
            self._golden,
            [index for index in range(len(self._golden)) if index not in self._pairs],
        )
        self._new = self._distances.number_subtrees(
            self._actual,
            [index for index in range(len(self._actual)) if index not in self._reverse_pairs],
        )

    def _pair(self, old: int, new: int) -> None:
        """Pair two spans, then their children, siblings with siblings."""
        self._pairs[old], self._reverse_pairs[new] = new, old
        old_children = [child for child in self._golden.children[old] if child in self._lost]
        new_children = [child for child in self._actual.children[new] if child in self._new]
        pairs = self._distances.match_siblings(
            [self._lost[child] for child in old_children],
            [self._new[child] for child in new_children],
        )
        for i, j in pairs:
            self._pair(old_children[i], new_children[j])

    def _match_subtrees(self) -> bool:
        """Match lost subtrees with new ones whose root has the same name, the best pairs first."""
        self._number_subtrees()
        lost, new = _by_name(self._golden, self._lost), _by_name(self._actual, self._new)
        best = [
            pair
            for name in lost.keys() & new.keys()
            for pair in self._best_pairs(lost[name], new[name])
        ]
        outdated_lost: set[int] = set()
        outdated_new: set[int] = set()
        for _, old, other in sorted(best):
            if old not in outdated_lost and other not in outdated_new:
                self._pair(old, other)
                outdated_lost.update(self._golden.ancestors(old), self._golden.subtree(old))
                outdated_new.update(self._actual.ancestors(other), self._actual.subtree(other))
        return bool(best)

    def _best_pairs(self, lost: list[int], new: list[int]) -> Iterator[tuple[int, int, int]]:
        """Yield the pairs that save most together, each as a negative cost and two indices."""
        savings = [[self._subtree_saving(old, other) for other in new] for old in lost]
        return ((-savings[i][j], lost[i], new[j]) for i, j in assign_pairs(savings))

    def _subtree_saving(self, old: int, new: int) -> int:
        """Return twice what a pair saves, plus 1 as a tie-break if the parents' names are equal."""
        saving = self._distances.saving(self._lost[old], self._new[new])
        saving -= self._matching.move_cost(old, new)
        if saving <= 0:
            return 0
        parents = self._golden.parents[old], self._actual.parents[new]
        return 2 * saving + (self._golden.name(parents[0]) == self._actual.name(parents[1]))

    def _match_single_spans(self) -> bool:
        """Match what is left span by span, by position and children.

        Only the pairs that save most are made, because each pair changes the position of others.
        """
        self._number_subtrees()
        lost, new = list(self._lost), list(self._new)
        savings = [[0] * len(new) for _ in lost]
        rows = {index: i for i, index in enumerate(lost)}
        columns = {index: j for j, index in enumerate(new)}
        for old in lost:
            for other in self._candidates(old):
                savings[rows[old]][columns[other]] = self._single_saving(old, other)
        pairs = assign_pairs(savings)
        most = max((savings[i][j] for i, j in pairs), default=0)
        for i, j in pairs:
            if savings[i][j] == most:
                self._pairs[lost[i]], self._reverse_pairs[new[j]] = new[j], lost[i]
        return bool(pairs)

    def _candidates(self, old: int) -> set[int]:
        """Return the new spans that have the lost span's parent, or a child of it."""
        parent = self._pairs.get(self._golden.parents[old])
        siblings = self._actual.children[parent] if parent is not None else ()
        children = (self._pairs.get(child) for child in self._golden.children[old])
        parents = (self._actual.parents[child] for child in children if child is not None)
        return {index for index in (*siblings, *parents) if index in self._new}

    def _single_saving(self, old: int, new: int) -> int:
        """Return what a pair saves, including what it changes for the spans below it."""
        below = set(self._golden.unmatched_below(old, self._pairs)[1])
        matched = self._actual.unmatched_below(new, self._reverse_pairs)[1]
        below.update(self._reverse_pairs[index] for index in matched)
        before = sum(self._matching.move_cost(index, self._pairs[index]) for index in below)
        self._pairs[old], self._reverse_pairs[new] = new, old
        after = sum(self._matching.move_cost(index, self._pairs[index]) for index in (*below, old))
        del self._pairs[old], self._reverse_pairs[new]
        differences = difference_cost(self._golden.shapes[old], self._actual.shapes[new])
        return SPAN_COST + SPAN_COST - differences + before - after


def _by_name(forest: Forest, indices: Iterable[int]) -> dict[str, list[int]]:
    by_name: dict[str, list[int]] = {}
    for index in indices:
        by_name.setdefault(forest.name(index), []).append(index)
    return by_name

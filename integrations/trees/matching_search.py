"""A search: down two groves from their roots, and then everywhere, for spans that are the same.

Siblings are paired against siblings. What is left is looked for everywhere, whole subtrees against
whole subtrees, and then span by span. Each step is optimal; their sum need not be.
"""

from collections.abc import Iterable, Iterator, Mapping

from integrations.trees.forest import ROOT, SPAN_COST, Forest, difference_cost
from integrations.trees.matching import Matching
from integrations.trees.subtree_distances import SubtreeDistances, assign_pairs


class MatchingSearch:
    """One that begins with `pairs`, which it keeps; `subtrees` says what may be the same."""

    def __init__(
        self, golden: Forest, seen: Forest, subtrees: SubtreeDistances, pairs: Mapping[int, int]
    ) -> None:
        self._golden, self._seen, self._subtrees = golden, seen, subtrees
        self._pairs = dict(pairs)
        self._back = {other: one for one, other in pairs.items()}
        self._now = Matching(golden, seen, self._pairs, self._back)

    def run(self) -> Matching:
        """What it comes to."""
        self._number_subtrees()
        if ROOT not in self._pairs:
            self._pair(ROOT, ROOT)
        while self._match_subtrees() or self._match_single_spans():
            pass
        return self._now

    def _number_subtrees(self) -> None:
        """Number the subtrees of what is not paired yet."""
        self._lost = self._subtrees.number_subtrees(
            self._golden, [at for at in range(len(self._golden)) if at not in self._pairs]
        )
        self._new = self._subtrees.number_subtrees(
            self._seen, [at for at in range(len(self._seen)) if at not in self._back]
        )

    def _pair(self, one: int, other: int) -> None:
        """Pair two spans, and then those beneath them, siblings against siblings."""
        self._pairs[one], self._back[other] = other, one
        beneath = [child for child in self._golden.children[one] if child in self._lost]
        above = [child for child in self._seen.children[other] if child in self._new]
        numbers = [self._lost[child] for child in beneath], [self._new[child] for child in above]
        for i, j in self._subtrees.match_siblings(*numbers):
            self._pair(beneath[i], above[j])

    def _match_subtrees(self) -> bool:
        """Pair subtrees that are lost here and new there, those that save most first."""
        self._number_subtrees()
        lost, new = _by_name(self._golden, self._lost), _by_name(self._seen, self._new)
        best = [
            pair
            for name in lost.keys() & new.keys()
            for pair in self._best_pairs(lost[name], new[name])
        ]
        stale: tuple[set[int], set[int]] = (set(), set())
        for _, one, other in sorted(best):
            if one not in stale[0] and other not in stale[1]:
                self._pair(one, other)
                stale[0].update(self._golden.ancestors(one), self._golden.subtree(one))
                stale[1].update(self._seen.ancestors(other), self._seen.subtree(other))
        return bool(best)

    def _best_pairs(self, lost: list[int], new: list[int]) -> Iterator[tuple[int, int, int]]:
        """The pairs of these that save most together, each behind what it costs: less than none."""
        saved = [[self._subtree_saving(one, other) for other in new] for one in lost]
        return ((-saved[i][j], lost[i], new[j]) for i, j in assign_pairs(saved))

    def _subtree_saving(self, one: int, other: int) -> int:
        """Doubled, so that of two pairs that save as much the one of like parents is taken."""
        saved = self._subtrees.saving(self._lost[one], self._new[other]) - self._now.move_cost(
            one, other
        )
        if saved <= 0:
            return 0
        parents = self._golden.parents[one], self._seen.parents[other]
        return 2 * saved + (self._golden.name(parents[0]) == self._seen.name(parents[1]))

    def _match_single_spans(self) -> bool:
        """Pair what is left span by span, for the place that it has and for what is beneath it.

        Only those that save most: they show what has become of the places of the others.
        """
        self._number_subtrees()
        lost, new = list(self._lost), list(self._new)
        kept = [[0] * len(new) for _ in lost]
        row, column = {at: i for i, at in enumerate(lost)}, {at: j for j, at in enumerate(new)}
        for one in lost:
            for other in self._candidates(one):
                kept[row[one]][column[other]] = self._single_saving(one, other)
        pairs = assign_pairs(kept)
        most = max((kept[i][j] for i, j in pairs), default=0)
        for i, j in pairs:
            if kept[i][j] == most:
                self._pairs[lost[i]], self._back[new[j]] = new[j], lost[i]
        return bool(pairs)

    def _candidates(self, one: int) -> set[int]:
        """What a lost span may have become: a new one under its parent, or above its children."""
        parent = self._pairs.get(self._golden.parents[one])
        under = self._seen.children[parent] if parent is not None else ()
        beneath = (self._pairs.get(child) for child in self._golden.children[one])
        above = (self._seen.parents[at] for at in beneath if at is not None)
        return {other for other in (*under, *above) if other in self._new}

    def _single_saving(self, one: int, other: int) -> int:
        """What it saves to take one span for the other, with what that makes of those beneath."""
        beneath = set(self._golden.unmatched_below(one, self._pairs)[1])
        beneath.update(self._back[at] for at in self._seen.unmatched_below(other, self._back)[1])
        before = sum(self._now.move_cost(at, self._pairs[at]) for at in beneath)
        self._pairs[one], self._back[other] = other, one
        after = sum(self._now.move_cost(at, self._pairs[at]) for at in (*beneath, one))
        del self._pairs[one], self._back[other]
        differing = difference_cost(self._golden.shapes[one], self._seen.shapes[other])
        return SPAN_COST + SPAN_COST - differing + before - after


def _by_name(forest: Forest, places: Iterable[int]) -> dict[str, list[int]]:
    named: dict[str, list[int]] = {}
    for place in places:
        named.setdefault(forest.name(place), []).append(place)
    return named

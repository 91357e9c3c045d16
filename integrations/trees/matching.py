"""A matching of two lists of span trees: which span corresponds to which, and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.trees.span_forest import (
    LEVEL_MOVE_COST,
    MOVE_COST,
    ROOT,
    SPAN_COST,
    Forest,
    difference_cost,
)


@dataclass(frozen=True)
class Matching:
    """Pairs of indices in `golden` and `actual`, and the same pairs in reverse.

    Unpaired spans are lost or new. The virtual roots are always paired.
    """

    golden: Forest
    actual: Forest
    pairs: Mapping[int, int]
    reverse_pairs: Mapping[int, int]

    def has_same_parent(self, old: int, new: int) -> bool:
        """Whether the parents of a golden span and an actual span are a pair."""
        return self.pairs.get(self.golden.parents[old]) == self.actual.parents[new]

    def is_moved_by_level(self, old: int, new: int) -> bool:
        """Whether the parents differ only because a level between is lost or new."""
        old_parent, new_parent = self.golden.parents[old], self.actual.parents[new]
        if (old_parent in self.pairs) == (new_parent in self.reverse_pairs):
            return False
        old_ancestor = next(each for each in self.golden.ancestors(old) if each in self.pairs)
        return self.pairs[old_ancestor] == next(
            each for each in self.actual.ancestors(new) if each in self.reverse_pairs
        )

    def move_cost(self, old: int, new: int) -> int:
        """Return the cost of the difference in position."""
        if old == ROOT or self.has_same_parent(old, new):
            return 0
        return LEVEL_MOVE_COST if self.is_moved_by_level(old, new) else MOVE_COST

    def pair_cost(self, old: int) -> int:
        """Return the cost of all differences of a golden span that is paired."""
        new = self.pairs[old]
        differences = difference_cost(self.golden.shapes[old], self.actual.shapes[new])
        return differences + self.move_cost(old, new)

    @property
    def total_cost(self) -> int:
        """The cost of all differences of the two forests."""
        unpaired = len(self.golden) + len(self.actual) - 2 * len(self.pairs)
        return sum(map(self.pair_cost, self.pairs)) + SPAN_COST * unpaired

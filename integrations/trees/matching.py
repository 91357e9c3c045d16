"""A pairing: which span of one grove is which span of another; the rest is lost, or new."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.trees.forest import (
    LEVEL_MOVE_COST,
    MOVE_COST,
    ROOT,
    SPAN_COST,
    Forest,
    difference_cost,
)


@dataclass(frozen=True)
class Matching:
    """Places of `golden` and of `seen` that hold the same span; `back` is from `seen`.

    The invisible roots are always paired.
    """

    golden: Forest
    seen: Forest
    pairs: Mapping[int, int]
    reverse_pairs: Mapping[int, int]

    def has_same_parent(self, one: int, other: int) -> bool:
        """Whether one of `golden` and one of `seen` stand under the same parent."""
        return self.pairs.get(self.golden.parents[one]) == self.seen.parents[other]

    def is_moved_by_level(self, one: int, other: int) -> bool:
        """Whether they have other parents only for a level that is lost between, or is new."""
        was, now = self.golden.parents[one], self.seen.parents[other]
        if (was in self.pairs) == (now in self.reverse_pairs):
            return False
        above = next(at for at in self.golden.ancestors(one) if at in self.pairs)
        return self.pairs[above] == next(
            at for at in self.seen.ancestors(other) if at in self.reverse_pairs
        )

    def move_cost(self, one: int, other: int) -> int:
        """The price of the places that they have."""
        if one == ROOT or self.has_same_parent(one, other):
            return 0
        return LEVEL_MOVE_COST if self.is_moved_by_level(one, other) else MOVE_COST

    def pair_cost(self, one: int) -> int:
        """The price of what a paired span of `golden` and its own in `seen` differ in."""
        other = self.pairs[one]
        return difference_cost(self.golden.shapes[one], self.seen.shapes[other]) + self.move_cost(
            one, other
        )

    @property
    def total_cost(self) -> int:
        """Of all that the two groves differ in, by this pairing."""
        return sum(map(self.pair_cost, self.pairs)) + SPAN_COST * (
            len(self.golden) + len(self.seen) - 2 * len(self.pairs)
        )

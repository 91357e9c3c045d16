"""A pairing: which span of one grove is which span of another; the rest is lost, or new."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.trees.forest import LEVEL, MOVED, ROOT, SPAN, Grove, price


@dataclass(frozen=True)
class Pairing:
    """Places of `golden` and of `seen` that hold the same span; `back` is from `seen`.

    The invisible roots are always paired.
    """

    golden: Grove
    seen: Grove
    pairs: Mapping[int, int]
    back: Mapping[int, int]

    def stays(self, one: int, other: int) -> bool:
        """Whether one of `golden` and one of `seen` stand under the same parent."""
        return self.pairs.get(self.golden.parents[one]) == self.seen.parents[other]

    def told_by_a_level(self, one: int, other: int) -> bool:
        """Whether they have other parents only for a level that is lost between, or is new."""
        was, now = self.golden.parents[one], self.seen.parents[other]
        if (was in self.pairs) == (now in self.back):
            return False
        above = next(at for at in self.golden.above(one) if at in self.pairs)
        return self.pairs[above] == next(at for at in self.seen.above(other) if at in self.back)

    def moving(self, one: int, other: int) -> int:
        """The price of the places that they have."""
        if one == ROOT or self.stays(one, other):
            return 0
        return LEVEL if self.told_by_a_level(one, other) else MOVED

    def between(self, one: int) -> int:
        """The price of what a paired span of `golden` and its own in `seen` differ in."""
        other = self.pairs[one]
        return price(self.golden.shapes[one], self.seen.shapes[other]) + self.moving(one, other)

    @property
    def price(self) -> int:
        """Of all that the two groves differ in, by this pairing."""
        return sum(map(self.between, self.pairs)) + SPAN * (
            len(self.golden) + len(self.seen) - 2 * len(self.pairs)
        )

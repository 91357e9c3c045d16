"""Paired: the spans of two groves that are the same, so that least is left to tell.

No quick way is known to the pairing of the lowest price over all trees, so several searches are
made, and the best end is taken: one takes a span of another name for the same where that is
cheaper, one only where the names are the same, one only for want of anything better. At the end the
dearest pairs are doubted: each is undone with all beneath it, and searched for again.
"""

from integrations.trees.forest import Grove
from integrations.trees.matching import Pairing
from integrations.trees.matching_search import Search
from integrations.trees.span_shape import Shape
from integrations.trees.subtree_distances import Subtrees

DOUBTS = 12
"""How many pairs are doubted, so that two large strange trees are still compared in seconds."""


def paired(golden: Grove, seen: Grove) -> Pairing:
    """The plainest pairing that is found: that of the lowest price."""
    free = Subtrees(_always)
    ways = (Subtrees(_of_one_name), free, Subtrees(_never))
    best = min((Search(golden, seen, way, {}).found() for way in ways), key=_price)
    dear = sorted(best.pairs, key=lambda one: (-best.between(one), one))
    for one in dear[:DOUBTS]:
        if one in best.pairs and best.between(one) > 0:
            undone = golden.beneath(one)
            rest = {at: to for at, to in best.pairs.items() if at not in undone}
            best = min(best, Search(golden, seen, free, rest).found(), key=_price)
    return best


def _never(one: Shape, other: Shape) -> bool:
    return False


def _of_one_name(one: Shape, other: Shape) -> bool:
    return one.name == other.name


def _always(one: Shape, other: Shape) -> bool:
    return True


def _price(pairing: Pairing) -> int:
    return pairing.price

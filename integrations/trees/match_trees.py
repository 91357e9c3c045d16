"""Paired: the spans of two groves that are the same, so that least is left to tell.

No quick way is known to the pairing of the lowest price over all trees, so several searches are
made, and the best end is taken: one takes a span of another name for the same where that is
cheaper, one only where the names are the same, one only for want of anything better. At the end the
dearest pairs are doubted: each is undone with all beneath it, and searched for again.
"""

from integrations.trees.forest import Forest
from integrations.trees.matching import Matching
from integrations.trees.matching_search import MatchingSearch
from integrations.trees.span_shape import SpanShape
from integrations.trees.subtree_distances import SubtreeDistances

MAX_RETRIED_PAIRS = 12
"""How many pairs are doubted, so that two large strange trees are still compared in seconds."""


def match_trees(golden: Forest, seen: Forest) -> Matching:
    """The plainest pairing that is found: that of the lowest price."""
    free = SubtreeDistances(_always_same)
    ways = (SubtreeDistances(_same_name), free, SubtreeDistances(_never_same))
    best = min((MatchingSearch(golden, seen, way, {}).run() for way in ways), key=_cost)
    dear = sorted(best.pairs, key=lambda one: (-best.pair_cost(one), one))
    for one in dear[:MAX_RETRIED_PAIRS]:
        if one in best.pairs and best.pair_cost(one) > 0:
            undone = golden.subtree(one)
            rest = {at: to for at, to in best.pairs.items() if at not in undone}
            best = min(best, MatchingSearch(golden, seen, free, rest).run(), key=_cost)
    return best


def _never_same(one: SpanShape, other: SpanShape) -> bool:
    return False


def _same_name(one: SpanShape, other: SpanShape) -> bool:
    return one.name == other.name


def _always_same(one: SpanShape, other: SpanShape) -> bool:
    return True


def _cost(pairing: Matching) -> int:
    return pairing.total_cost

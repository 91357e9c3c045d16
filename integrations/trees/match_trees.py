"""Match the span trees of a golden and a run so that the remaining differences cost least.

An exact minimum over unordered trees is not feasible, so several greedy searches run and the
cheapest result counts. They differ in which unequal spans may be matched early: any, those with
equal names, or none. Then the most expensive pairs are retried: each is undone with everything
below it and searched again.
"""

from integrations.trees.greedy_matching import GreedyMatching
from integrations.trees.matching import Matching
from integrations.trees.span_forest import Forest
from integrations.trees.span_shape import SpanShape
from integrations.trees.subtree_distances import SubtreeDistances

MAX_RETRIED_PAIRS = 12
"""How many pairs are retried. It limits the time for two large and very different trees."""


def match_trees(golden: Forest, actual: Forest) -> Matching:
    """Return the cheapest matching that is found."""
    any_spans = SubtreeDistances(_always_same)
    distances = (SubtreeDistances(_same_name), any_spans, SubtreeDistances(_never_same))
    best = min(
        (GreedyMatching(golden, actual, each, {}).run() for each in distances), key=_total_cost
    )
    most_expensive = sorted(best.pairs, key=lambda index: (-best.pair_cost(index), index))
    for index in most_expensive[:MAX_RETRIED_PAIRS]:
        if index in best.pairs and best.pair_cost(index) > 0:
            undone = golden.subtree(index)
            kept = {old: new for old, new in best.pairs.items() if old not in undone}
            retried = GreedyMatching(golden, actual, any_spans, kept).run()
            best = min(best, retried, key=_total_cost)
    return best


def _never_same(golden: SpanShape, actual: SpanShape) -> bool:
    return False


def _same_name(golden: SpanShape, actual: SpanShape) -> bool:
    return golden.name == actual.name


def _always_same(golden: SpanShape, actual: SpanShape) -> bool:
    return True


def _total_cost(matching: Matching) -> int:
    return matching.total_cost

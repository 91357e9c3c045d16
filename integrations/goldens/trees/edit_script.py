"""The edit script from a golden tree to an actual one: each difference in a sentence.

The script explains the whole difference. It is empty only if the trees are equal, apart from the
order of siblings.

An exact minimum over unordered trees is not feasible, so several greedy searches run and the
cheapest result counts. They differ in which unequal spans may be matched early: any, those with
equal names, or none. Then the most expensive pairs are retried: each is undone with everything
below it and searched again.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from integrations.goldens.trees.greedy_matching import GreedyMatching
from integrations.goldens.trees.span_forest import Forest, Matching, build_forest
from integrations.goldens.trees.span_shape import SpanShape
from integrations.goldens.trees.subtree_distances import SubtreeDistances

EDIT_KINDS = (
    "attribute new",
    "attribute type changed",
    "renamed",
    "new",
    "attribute gone",
    "type changed",
    "status changed",
    "moved",
    "lost",
)
"""From harmless to severe: from what a trace records in addition to what it no longer records."""

MAX_RETRIED_PAIRS = 12
"""How many pairs are retried. It limits the time for two large and very different trees."""


@dataclass(frozen=True)
class Edit:
    """One difference.

    `path` is the path of names to the span: in the golden, or for a new span in the actual tree.
    `times` is how many spans with this path have the same difference.
    """

    kind: str
    path: str
    description: str
    times: int = 1

    @property
    def severity(self) -> int:
        """The position of the kind in `EDIT_KINDS`: higher is worse."""
        return EDIT_KINDS.index(self.kind)

    def __str__(self) -> str:
        times = f"  × {self.times}" if self.times > 1 else ""
        return f"{self.path}: {self.description}{times}"


def edit_script(golden: Sequence[SpanShape], actual: Sequence[SpanShape]) -> tuple[Edit, ...]:
    """Return the edits from the golden's root spans to the actual ones, in the golden's order."""
    return edits_of_matching(match_trees(build_forest(golden), build_forest(actual)))


def edits_of_matching(matching: Matching) -> tuple[Edit, ...]:
    """Return the edits that a matching stands for, equal ones as one."""
    pairs, reverse_pairs = matching.pairs, matching.reverse_pairs
    positioned: list[tuple[tuple[int, int], Edit]] = []
    for old, new in pairs.items():
        positioned.extend(((old, 0), edit) for edit in _edits_of_pair(matching, old, new))
    for old, parent in enumerate(matching.golden.parents):
        if old not in pairs and parent in pairs:
            positioned.append(((old, 0), _lost_edit(matching, old)))
    for new, parent in enumerate(matching.actual.parents):
        if new not in reverse_pairs and parent in reverse_pairs:
            positioned.append(((reverse_pairs[parent], new), _new_edit(matching, new)))
    times = Counter(edit for _, edit in sorted(positioned, key=lambda each: each[0]))
    return tuple(replace(edit, times=count) for edit, count in times.items())


def _edits_of_pair(matching: Matching, old: int, new: int) -> Iterator[Edit]:
    """Yield the differences of a span that is in both trees."""
    golden, actual = matching.golden.shapes[old], matching.actual.shapes[new]
    if golden is None or actual is None:
        return
    path = matching.golden.path(old)
    if not matching.has_same_parent(old, new) and not matching.is_moved_by_level(old, new):
        yield Edit("moved", path, _describe_move(matching, old, new))
    if golden.name != actual.name:
        yield Edit("renamed", path, f"renamed to {actual.name}")
    if golden.type != actual.type:
        yield Edit("type changed", path, f"type was {golden.type} and is {actual.type}")
    if golden.status != actual.status:
        yield Edit("status changed", path, f"status was {golden.status} and is {actual.status}")
    yield from _attribute_edits(path, dict(golden.attributes), dict(actual.attributes))


def _attribute_edits(path: str, old: dict[str, str], new: dict[str, str]) -> Iterator[Edit]:
    if gone := sorted(old.keys() - new.keys()):
        yield Edit("attribute gone", path, f"{_attributes(gone)} gone: {', '.join(gone)}")
    if added := sorted(new.keys() - old.keys()):
        yield Edit("attribute new", path, f"{_attributes(added)} new: {', '.join(added)}")
    for key in sorted(old.keys() & new.keys()):
        if old[key] != new[key]:
            description = f"attribute {key} was of type {old[key]} and is {new[key]}"
            yield Edit("attribute type changed", path, description)


def _attributes(keys: Sequence[str]) -> str:
    return "attribute" if len(keys) == 1 else f"{len(keys)} attributes"


def _describe_move(matching: Matching, old: int, new: int) -> str:
    """Name the two parents; by their paths if they have the same name."""
    golden, actual = matching.golden, matching.actual
    old_parent, new_parent = golden.parents[old], actual.parents[new]
    if golden.noun(old_parent) != actual.noun(new_parent):
        return f"moved from {golden.noun(old_parent)} to {actual.noun(new_parent)}"
    if golden.path(old_parent) != actual.path(new_parent):
        return f"moved from {golden.path(old_parent)} to {actual.path(new_parent)}"
    return f"moved from one {golden.noun(old_parent)} to another"


def _lost_edit(matching: Matching, old: int) -> Edit:
    """Describe a lost span with all lost spans below it, and the children that moved up."""
    golden, actual, pairs = matching.golden, matching.actual, matching.pairs
    spans, children = golden.unmatched_below(old, pairs)
    moved_up = [child for child in children if matching.is_moved_by_level(child, pairs[child])]
    description = f"span lost{_descendants(spans)}"
    if moved_up:
        parent = actual.noun(actual.parents[pairs[moved_up[0]]])
        description += f"; {_children(len(moved_up), spans)} moved up to {parent}"
    return Edit("lost", golden.path(old), description)


def _new_edit(matching: Matching, new: int) -> Edit:
    """Describe a new span with all new spans below it, and the children that moved down."""
    golden, actual, reverse_pairs = matching.golden, matching.actual, matching.reverse_pairs
    spans, children = actual.unmatched_below(new, reverse_pairs)
    moved_down = [
        child for child in children if matching.is_moved_by_level(reverse_pairs[child], child)
    ]
    description = f"span new{_descendants(spans)}"
    if moved_down:
        parent = golden.noun(golden.parents[reverse_pairs[moved_down[0]]])
        description += f"; {_children(len(moved_down), spans)} moved down from {parent}"
    return Edit("new", actual.path(new), description)


def _descendants(spans: int) -> str:
    return f", with {spans - 1} below it" if spans > 1 else ""


def _children(count: int, spans: int) -> str:
    """Name the children of a lost or new span, or of the group of `spans` below it."""
    if spans > 1:
        return f"{count} more from below"
    return "its child" if count == 1 else f"its {count} children"


def match_trees(golden: Forest, actual: Forest) -> Matching:
    """Return the cheapest matching that is found."""
    equal_names = SubtreeDistances(lambda old, new: old.name == new.name)
    any_spans = SubtreeDistances(lambda old, new: True)
    no_spans = SubtreeDistances(lambda old, new: False)
    distances = (equal_names, any_spans, no_spans)
    best = min(
        (GreedyMatching(golden, actual, each, {}).run() for each in distances),
        key=attrgetter("total_cost"),
    )
    most_expensive = sorted(best.pairs, key=lambda index: (-best.pair_cost(index), index))
    for index in most_expensive[:MAX_RETRIED_PAIRS]:
        if index in best.pairs and best.pair_cost(index) > 0:
            undone = golden.subtree(index)
            kept = {old: new for old, new in best.pairs.items() if old not in undone}
            retried = GreedyMatching(golden, actual, any_spans, kept).run()
            best = min(best, retried, key=attrgetter("total_cost"))
    return best

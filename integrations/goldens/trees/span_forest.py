"""The span trees of a trace in flat form, and the cost of each difference between two spans.

Two forests are compared by the cheapest set of edits that leads from one to the other (a tree edit
distance). Costs are integers, so that their sums are exact.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from integrations.goldens.trees.span_shape import SpanShape, sort_siblings

SPAN_COST = 12
"""Of a span that is lost or new."""
MOVE_COST = 11
"""Of a span that has another parent: less than to lose it there and add it here."""
LEVEL_MOVE_COST = 1
"""Of a span that has another parent only because a level above it is lost or new."""
NAME_COST = TYPE_COST = 13
"""More than half of two spans: a span with another name and another type is another span."""
STATUS_COST = 3
ATTRIBUTE_COST = 1
MAX_ATTRIBUTES_COST = 6
"""Of all attributes together, because the attributes of many spans often change as one."""
ROOT = 0
"""The index of the virtual root."""
SPAN_NOUNS = {"AGENT": "turn", "LLM": "completion", "UNKNOWN": "span"}
"""What a span of a type is called in a sentence; other types are their own noun."""


@dataclass(frozen=True)
class Forest:
    """Spans by index, a parent before its children, and the indices of parents and children.

    The index `ROOT` has no span. It stands for the trace, whose roots are its children.
    """

    shapes: tuple[SpanShape | None, ...]
    parents: tuple[int, ...]
    children: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.shapes)

    def ancestors(self, index: int) -> Iterator[int]:
        """Yield the indices above, the nearest first, the virtual root last."""
        while index != ROOT:
            index = self.parents[index]
            yield index

    def subtree(self, index: int) -> set[int]:
        """Return the index and all indices below it."""
        found, level = {index}, [index]
        while level:
            level = [child for each in level for child in self.children[each]]
            found.update(level)
        return found

    def unmatched_below(self, top: int, matched: Container[int]) -> tuple[int, list[int]]:
        """Return the size of the unmatched group that starts at `top`, and the matched spans
        directly below it."""
        size, border, level = 0, [], [top]
        while level:
            size += len(level)
            children = [child for each in level for child in self.children[each]]
            border += [child for child in children if child in matched]
            level = [child for child in children if child not in matched]
        return size, border

    def name(self, index: int) -> str:
        shape = self.shapes[index]
        return shape.name if shape else "root"

    def noun(self, index: int) -> str:
        """Return the type and name of a span, as in "turn writer"."""
        shape = self.shapes[index]
        return f"{SPAN_NOUNS.get(shape.type, shape.type.lower())} {shape.name}" if shape else "root"

    def path(self, index: int) -> str:
        """Return the names from the root to a span."""
        names = [self.name(each) for each in (index, *self.ancestors(index)) if each != ROOT]
        return " › ".join(reversed(names)) or "root"


def build_forest(roots: Sequence[SpanShape]) -> Forest:
    """Return the forest of these roots. It does not depend on the order of siblings."""
    shapes: list[SpanShape | None] = [None]
    parents: list[int] = [ROOT]
    children: list[list[int]] = [[]]

    def add_subtree(shape: SpanShape, parent: int) -> None:
        index = len(shapes)
        shapes.append(shape)
        parents.append(parent)
        children.append([])
        children[parent].append(index)
        for child in shape.children:
            add_subtree(child, index)

    for root in sort_siblings(roots):
        add_subtree(root, ROOT)
    return Forest(tuple(shapes), tuple(parents), tuple(map(tuple, children)))


def difference_cost(golden: SpanShape | None, actual: SpanShape | None) -> int:
    """Return the cost of the differences between two spans, without their children."""
    if golden is None or actual is None or golden is actual:
        return 0
    differing = len(golden.attributes ^ actual.attributes)
    return (
        NAME_COST * (golden.name != actual.name)
        + TYPE_COST * (golden.type != actual.type)
        + STATUS_COST * (golden.status != actual.status)
        + min(ATTRIBUTE_COST * differing, MAX_ATTRIBUTES_COST)
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

"""The span trees of a trace in flat form, and the cost of each difference between two spans.

Two forests are compared by the cheapest set of edits that leads from one to the other (a tree edit
distance). Costs are integers, so that their sums are exact.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from integrations.trees.span_shape import SpanShape, sort_siblings

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
        """Return the name of a span."""
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

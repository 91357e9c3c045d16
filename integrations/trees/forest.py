"""A grove: trees of shapes under one invisible root, laid out flat so that they can be compared.

What two spans differ in has a price, and so has a span that is lost or new. Prices are whole, so
that sums of them are exact; that two trees are explained at the lowest price is what a reader
takes for the plainest explanation.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from integrations.trees.span_shape import SpanShape, sort_siblings

SPAN_COST = 12
"""Of a span that is lost, and of one that is new."""
MOVE_COST = 11
"""Of one that stands elsewhere: less than to lose it here and to find it there."""
LEVEL_MOVE_COST = 1
"""Of one that stands elsewhere only for a level above it that is lost, or new."""
NAME_COST = TYPE_COST = 13
"""More than half of `SPAN + SPAN`: what has another name and another type is another span."""
STATUS_COST = 3
ATTRIBUTE_COST = 1
MAX_ATTRIBUTES_COST = 6
"""Of all attributes together at most: many span's attributes change as one."""
ROOT = 0
"""The place of the invisible root."""
SPAN_NOUNS = {"AGENT": "turn", "LLM": "completion", "UNKNOWN": "span"}
"""What spans of a type are called in a sentence; those of another by their type."""


@dataclass(frozen=True)
class Forest:
    """Shapes by place, a parent before its children, and the places of their parents and children.

    At place `ROOT` there is none: it stands for the trace, whose roots are its children.
    """

    shapes: tuple[SpanShape | None, ...]
    parents: tuple[int, ...]
    children: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.shapes)

    def ancestors(self, place: int) -> Iterator[int]:
        """The places above this one, the nearest first, the invisible root last."""
        while place != ROOT:
            place = self.parents[place]
            yield place

    def subtree(self, place: int) -> set[int]:
        """The place, and those beneath it."""
        found, level = {place}, [place]
        while level:
            level = [child for at in level for child in self.children[at]]
            found.update(level)
        return found

    def unmatched_below(self, top: int, matched: Container[int]) -> tuple[int, list[int]]:
        """How many spans hang together from `top` on that are not kept, and those kept beneath."""
        spans, border, level = 0, [], [top]
        while level:
            spans += len(level)
            children = [child for at in level for child in self.children[at]]
            border += [child for child in children if child in matched]
            level = [child for child in children if child not in matched]
        return spans, border

    def name(self, place: int) -> str:
        """What stands there, by its name."""
        shape = self.shapes[place]
        return shape.name if shape else "root"

    def noun(self, place: int) -> str:
        """What stands there, by its type and name: "turn writer"."""
        shape = self.shapes[place]
        return f"{SPAN_NOUNS.get(shape.type, shape.type.lower())} {shape.name}" if shape else "root"

    def path(self, place: int) -> str:
        """The names from the root down to what stands there."""
        names = [self.name(at) for at in (place, *self.ancestors(place)) if at != ROOT]
        return " › ".join(reversed(names)) or "root"


def build_forest(roots: Sequence[SpanShape]) -> Forest:
    """The grove of these roots; the same one, however siblings stand."""
    shapes: list[SpanShape | None] = [None]
    parents, children = [ROOT], [[]]  # type: ignore[var-annotated]

    def add_subtree(shape: SpanShape, parent: int) -> None:
        place = len(shapes)
        shapes.append(shape)
        parents.append(parent)
        children.append([])
        children[parent].append(place)
        for child in shape.children:
            add_subtree(child, place)

    for root in sort_siblings(roots):
        add_subtree(root, ROOT)
    return Forest(tuple(shapes), tuple(parents), tuple(map(tuple, children)))


def difference_cost(golden: SpanShape | None, seen: SpanShape | None) -> int:
    """Of what two spans differ in, whatever stands beneath them."""
    if golden is None or seen is None or golden is seen:
        return 0
    differing = len(golden.attributes ^ seen.attributes)
    return (
        NAME_COST * (golden.name != seen.name)
        + TYPE_COST * (golden.type != seen.type)
        + STATUS_COST * (golden.status != seen.status)
        + min(ATTRIBUTE_COST * differing, MAX_ATTRIBUTES_COST)
    )

"""Span shapes for tests: short constructors, and random forests."""

from collections.abc import Sequence
from random import Random

from hypothesis import strategies as st

from integrations.goldens.trees.span_shape import SpanShape


def make_shape(
    name: str, *children: SpanShape, type: str = "LLM", status: str = "OK", keys: str = ""
) -> SpanShape:
    """Return a shape with the attributes in `keys`, all of type string."""
    attributes = frozenset((key, "string") for key in keys.split())
    return SpanShape(name, type, status, attributes, children)


def make_turn(agent: str, *children: SpanShape) -> SpanShape:
    return make_shape(agent, *children, type="AGENT")


def make_crew(*children: SpanShape) -> SpanShape:
    return make_shape("office", *children, type="CHAIN")


def forests(
    names: Sequence[str], spans: int, unique: bool = False
) -> st.SearchStrategy[list[SpanShape]]:
    """Draw forests of at most this many spans, with unique names or with these few."""
    seeds = st.integers(0, 2**32 - 1)
    return st.builds(
        lambda seed, count: random_forest(Random(seed), names, count, unique),
        seeds,
        st.integers(0, spans),
    )


def random_forest(
    random: Random, names: Sequence[str], spans: int, unique: bool = False
) -> list[SpanShape]:
    children_of: list[list[int]] = [[] for _ in range(spans)]
    roots: list[int] = []
    for index in range(spans):
        parent = random.randrange(-1, index)
        (roots if parent < 0 else children_of[parent]).append(index)

    def build(index: int) -> SpanShape:
        name = f"s{index}" if unique else random.choice(names)
        attributes = frozenset((key, "string") for key in "ab" if random.random() < 0.5)
        children = tuple(build(child) for child in children_of[index])
        return SpanShape(
            name,
            random.choice(("AGENT", "LLM")),
            random.choice(("OK", "ERROR")),
            attributes,
            children,
        )

    return [build(root) for root in roots]


def shuffle_siblings(roots: Sequence[SpanShape], random: Random) -> list[SpanShape]:
    """Return the same trees with their siblings shuffled on all levels."""
    shuffled = [
        SpanShape(
            root.name,
            root.type,
            root.status,
            root.attributes,
            tuple(shuffle_siblings(root.children, random)),
        )
        for root in roots
    ]
    random.shuffle(shuffled)
    return shuffled

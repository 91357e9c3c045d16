"""Shapes for tests: written short, and drawn."""

from collections.abc import Sequence
from random import Random

from hypothesis import strategies as st

from integrations.trees.span_shape import SpanShape


def make_shape(
    name: str, *children: SpanShape, type: str = "LLM", status: str = "OK", keys: str = ""
) -> SpanShape:
    """A shape that says the attributes in `says`, which are texts."""
    attributes = frozenset((key, "string") for key in keys.split())
    return SpanShape(name, type, status, attributes, children)


def make_turn(agent: str, *children: SpanShape) -> SpanShape:
    return make_shape(agent, *children, type="AGENT")


def make_crew(*children: SpanShape) -> SpanShape:
    return make_shape("office", *children, type="CHAIN")


def forests(
    names: Sequence[str], spans: int, unique: bool = False
) -> st.SearchStrategy[list[SpanShape]]:
    """Up to so many spans in trees; each of a name of its own, or names that come up often."""
    seeds = st.integers(0, 2**32 - 1)
    return st.builds(
        lambda seed, many: random_forest(Random(seed), names, many, unique),
        seeds,
        st.integers(0, spans),
    )


def random_forest(
    random: Random, names: Sequence[str], spans: int, unique: bool = False
) -> list[SpanShape]:
    beneath: list[list[int]] = [[] for _ in range(spans)]
    roots: list[int] = []
    for place in range(spans):
        parent = random.randrange(-1, place)
        (roots if parent < 0 else beneath[parent]).append(place)

    def grown(place: int) -> SpanShape:
        name = f"s{place}" if unique else random.choice(names)
        says = frozenset((key, "string") for key in "ab" if random.random() < 0.5)
        children = tuple(grown(child) for child in beneath[place])
        return SpanShape(
            name, random.choice(("AGENT", "LLM")), random.choice(("OK", "ERROR")), says, children
        )

    return [grown(root) for root in roots]


def shuffle_siblings(roots: Sequence[SpanShape], random: Random) -> list[SpanShape]:
    """The same trees, siblings in another order."""
    among = [
        SpanShape(
            root.name,
            root.type,
            root.status,
            root.attributes,
            tuple(shuffle_siblings(root.children, random)),
        )
        for root in roots
    ]
    random.shuffle(among)
    return among

"""Shapes for tests: written short, and drawn."""

from collections.abc import Sequence
from random import Random

from hypothesis import strategies as st

from integrations.trees.span_shape import Shape


def span(
    name: str, *children: Shape, type: str = "LLM", status: str = "OK", says: str = ""
) -> Shape:
    """A shape that says the attributes in `says`, which are texts."""
    attributes = frozenset((key, "string") for key in says.split())
    return Shape(name, type, status, attributes, children)


def turn(agent: str, *children: Shape) -> Shape:
    return span(agent, *children, type="AGENT")


def crew(*children: Shape) -> Shape:
    return span("office", *children, type="CHAIN")


def drawn(names: Sequence[str], spans: int, unique: bool = False) -> st.SearchStrategy[list[Shape]]:
    """Up to so many spans in trees; each of a name of its own, or names that come up often."""
    seeds = st.integers(0, 2**32 - 1)
    return st.builds(
        lambda seed, many: trees(Random(seed), names, many, unique), seeds, st.integers(0, spans)
    )


def trees(random: Random, names: Sequence[str], spans: int, unique: bool = False) -> list[Shape]:
    beneath: list[list[int]] = [[] for _ in range(spans)]
    roots: list[int] = []
    for place in range(spans):
        parent = random.randrange(-1, place)
        (roots if parent < 0 else beneath[parent]).append(place)

    def grown(place: int) -> Shape:
        name = f"s{place}" if unique else random.choice(names)
        says = frozenset((key, "string") for key in "ab" if random.random() < 0.5)
        children = tuple(grown(child) for child in beneath[place])
        return Shape(
            name, random.choice(("AGENT", "LLM")), random.choice(("OK", "ERROR")), says, children
        )

    return [grown(root) for root in roots]


def shuffled(roots: Sequence[Shape], random: Random) -> list[Shape]:
    """The same trees, siblings in another order."""
    among = [
        Shape(
            root.name,
            root.type,
            root.status,
            root.attributes,
            tuple(shuffled(root.children, random)),
        )
        for root in roots
    ]
    random.shuffle(among)
    return among

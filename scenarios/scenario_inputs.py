"""Inputs of a scenario: published values by default, random values with a seed.

Inputs fill the `${name}` placeholders in the task and in the replies of services. A model learns of
them from its prompt alone, so its taped lines must capture them there. If a scenario also passes
with random inputs, its failure does not depend on particular numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from scenarios.tape.placeholders import InputValue


@dataclass(frozen=True)
class Input:
    """A value that a run is about.

    Attributes:
        published: The real value; the tape names its source.
        draw: Returns a random value.
    """

    published: InputValue
    draw: Callable[[Random], InputValue]


def one_of(published: InputValue, *others: InputValue) -> Input:
    """The published value, or with a seed any of these values."""
    return Input(published, lambda random: random.choice((published, *others)))


def number_between(low: float, high: float, *, published: float, places: int) -> Input:
    """The published number, or with a seed any from low to high, with so many decimal places."""
    return Input(published, lambda random: round(random.uniform(low, high), places))


def integer_between(low: int, high: int, *, published: int) -> Input:
    """The published integer, or with a seed any from low to high, both included."""
    return Input(published, lambda random: random.randint(low, high))


def resolve_inputs(inputs: Mapping[str, Input], seed: int | None) -> dict[str, InputValue]:
    """The value of each input: the published one, or with a seed a random one.

    A random value depends on the seed and the input's name, not on the other inputs.
    """
    if seed is None:
        return {name: one.published for name, one in inputs.items()}
    return {name: one.draw(Random(f"{seed} {name}")) for name, one in inputs.items()}

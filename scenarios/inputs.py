"""An input: a value that a run is about, published when no seed is given, else drawn.

The task and what outside services answer are filled with the inputs; a model is told of them in its
prompt or not at all, so what its lines say they must have captured there. A scenario that holds for
whatever is drawn holds for its reason, and not for its figures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from scenarios.tape.placeholders import InputValue


@dataclass(frozen=True)
class Input:
    """`published` is a value with a source, which the tape notes; `draw` makes up another one."""

    published: InputValue
    draw: Callable[[Random], InputValue]


def one_of(published: InputValue, *others: InputValue) -> Input:
    """One of several values, the first of which is the published one."""
    return Input(published, lambda random: random.choice((published, *others)))


def number_between(low: float, high: float, *, published: float, places: int) -> Input:
    """A number with so many decimal places, anywhere from low to high."""
    return Input(published, lambda random: round(random.uniform(low, high), places))


def integer_between(low: int, high: int, *, published: int) -> Input:
    """A whole number from low to high, both among them."""
    return Input(published, lambda random: random.randint(low, high))


def resolve_inputs(inputs: Mapping[str, Input], seed: int | None) -> dict[str, InputValue]:
    """The value of each input; what a seed draws depends on the input's name, not on the others."""
    if seed is None:
        return {name: given.published for name, given in inputs.items()}
    return {name: given.draw(Random(f"{seed} {name}")) for name, given in inputs.items()}

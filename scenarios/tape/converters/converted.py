"""What a conversion yields: the converted file, and what the other format cannot hold."""

from dataclasses import dataclass


class ConversionError(Exception):
    """A file cannot be converted: it cannot be read, or is of none of the formats."""


@dataclass(frozen=True)
class Loss:
    """Something that the target format cannot hold; `place` is where it is in the source."""

    place: str
    description: str

    def __str__(self) -> str:
        return f"{self.place}: {self.description}"


@dataclass(frozen=True)
class Converted:
    """The converted file, how many exchanges it has, and what was not carried over."""

    content: str
    count: int
    losses: tuple[Loss, ...]

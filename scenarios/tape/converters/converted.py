"""The result of a conversion: the converted file, and the list of its losses."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scenarios.reports.wording import count_of


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

    def describe(self, source: Path, target: Path) -> Iterator[str]:
        """Yield the report for a person."""
        if self.count:
            yield f"wrote {count_of(self.count, 'exchange')} to {target}"
        else:
            yield f"{source}: nothing to convert, so {target} was not written"
        yield from (f"  not carried over: {loss}" for loss in self.losses)

    def to_json(self) -> dict[str, Any]:
        """The report for a program."""
        return {"exchanges": self.count, "not_carried_over": list(map(asdict, self.losses))}

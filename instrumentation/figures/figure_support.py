"""The results of checking a figure of a report: its sources, or why no source supports it."""

from dataclasses import dataclass

from instrumentation.figures.figure import Figure


@dataclass(frozen=True)
class SupportedFigure:
    """A figure of a report, and the figures of the sources that support it.

    `derivation` is "stated", or the calculation, such as "sum".
    """

    figure: Figure
    sources: tuple[Figure, ...]
    derivation: str = "stated"


@dataclass(frozen=True)
class UnsupportedFigure:
    """A figure of a report that no source supports, and the reason."""

    figure: Figure
    reason: str

    def __str__(self) -> str:
        return f"{self.figure.text}: {self.reason}"

"""Figures: those that a text states, and those of a report checked against its sources."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from instrumentation.figures.derivation import find_derivation
from instrumentation.figures.figure import Figure
from instrumentation.figures.json_figures import figures_in_json
from instrumentation.figures.prose_figures import figures_in_prose
from instrumentation.figures.source_match import (
    SupportedFigure,
    UnsupportedFigure,
    find_stated,
    unsupported_reason,
)

__all__ = [
    "Figure",
    "FigureCheck",
    "SupportedFigure",
    "UnsupportedFigure",
    "check_figures",
    "extract_figures",
]


def extract_figures(text: str) -> tuple[Figure, ...]:
    """The figures that a text states, in order; years, labels and list numbers are none.

    A text that is a JSON object or array is read by its fields: `value` with the `unit`, `period`
    and `frequency` beside it.
    """
    if text.lstrip()[:1] in ("{", "["):
        try:
            return tuple(figures_in_json(json.loads(text, parse_float=Decimal, parse_int=Decimal)))
        except (ValueError, RecursionError):
            pass  # prose that begins with a bracket
    return tuple(figures_in_prose(text))


@dataclass(frozen=True)
class FigureCheck:
    """What became of each figure of a report: it is among `sourced` or among `unsourced`."""

    reported: tuple[Figure, ...]
    sources: tuple[Figure, ...]
    supported: tuple[SupportedFigure, ...]
    unsupported: tuple[UnsupportedFigure, ...]

    @property
    def passed(self) -> bool:
        """Whether no figure lacks a source. A report without figures passes: it claims none."""
        return not self.unsupported

    def attributes(self) -> dict[str, object]:
        """Counts for a span, and each figure that has no source, with the reason."""
        said = [str(unsourced) for unsourced in self.unsupported]
        return {
            "flight_recorder.validation.report_number_count": len(self.reported),
            "flight_recorder.validation.source_number_count": len(self.sources),
            "flight_recorder.validation.matched_number_count": len(self.supported),
            "flight_recorder.validation.derived_number_count": sum(
                one.derivation != "stated" for one in self.supported
            ),
            "flight_recorder.validation.unmatched_number_count": len(self.unsupported),
        } | ({"flight_recorder.validation.unmatched": said} if said else {})


def check_figures(report: str, sources: Sequence[str]) -> FigureCheck:
    """Each figure of the report, looked for in the sources: what the tools returned, as text.

    A figure is sourced if a source states it, at the precision, in the unit and for the period that
    the report gives it; or if the report says that it is a sum, a difference, a ratio, a change, a
    mean or an annualised rate of figures that the sources state, and it is.
    """
    reported = extract_figures(report)
    known = tuple(figure for source in sources for figure in extract_figures(source))
    found = {number: find_stated(figure, known) for number, figure in enumerate(reported)}
    cited = tuple(sourced for sourced in found.values() if sourced is not None)
    sourced: list[SupportedFigure] = []
    unsourced: list[UnsupportedFigure] = []
    for number, figure in enumerate(reported):
        if one := found[number] or find_derivation(figure, cited, known):
            sourced.append(one)
        else:
            unsourced.append(UnsupportedFigure(figure, unsupported_reason(figure, known)))
    return FigureCheck(reported, known, tuple(sourced), tuple(unsourced))

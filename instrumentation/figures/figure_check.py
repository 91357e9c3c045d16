"""Extract figures from a text, and check that the figures of a report are supported by sources."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from instrumentation.figures.derivation import find_derivation
from instrumentation.figures.figure import Figure, SupportedFigure, UnsupportedFigure
from instrumentation.figures.json_figures import figures_in_json
from instrumentation.figures.prose_figures import figures_in_prose
from instrumentation.figures.stated_figures import find_stated, unsupported_reason


def extract_figures(text: str) -> tuple[Figure, ...]:
    """Extract the figures of a text, in order. Years, labels and list numbers are not figures.

    A JSON object or array is read by its fields: `value` with the `unit`, `period` and `frequency`
    beside it.

    Example:
        extract_figures("Inflation fell to 4.9 % in 2023.")[0].value == Decimal("4.9")
    """
    if text.lstrip()[:1] in ("{", "["):
        try:
            document = json.loads(text, parse_float=Decimal, parse_int=Decimal)
            return tuple(figures_in_json(document))
        except (ValueError, RecursionError):
            pass  # prose that begins with a bracket
    return tuple(figures_in_prose(text))


@dataclass(frozen=True)
class FigureCheck:
    """The result of `check_figures`: each reported figure is supported or unsupported."""

    reported: tuple[Figure, ...]
    sources: tuple[Figure, ...]
    supported: tuple[SupportedFigure, ...]
    unsupported: tuple[UnsupportedFigure, ...]

    @property
    def passed(self) -> bool:
        """Whether all figures are supported. A report without figures passes."""
        return not self.unsupported

    def attributes(self) -> dict[str, object]:
        """Span attributes: counts, and each unsupported figure with its reason."""
        reasons = [str(figure) for figure in self.unsupported]
        derived_count = sum(figure.derivation != "stated" for figure in self.supported)
        return {
            "flight_recorder.validation.report_number_count": len(self.reported),
            "flight_recorder.validation.source_number_count": len(self.sources),
            "flight_recorder.validation.matched_number_count": len(self.supported),
            "flight_recorder.validation.derived_number_count": derived_count,
            "flight_recorder.validation.unmatched_number_count": len(self.unsupported),
        } | ({"flight_recorder.validation.unmatched": reasons} if reasons else {})


def check_figures(report: str, sources: Sequence[str]) -> FigureCheck:
    """Check each figure of a report against sources, such as the results of tools, as text.

    A figure is supported if a source states it, at the precision, in the unit and for the period of
    the report. It is also supported if the report says that it is a sum, a difference, a ratio, a
    change, a mean or an annualized rate of figures that the sources state, and the result is right.

    Example:
        check = check_figures("Growth was 1.2 %.", ["GDP growth: 1.17 percent"])
        assert check.passed
    """
    reported = extract_figures(report)
    known = tuple(figure for source in sources for figure in extract_figures(source))
    stated = {index: find_stated(figure, known) for index, figure in enumerate(reported)}
    cited = tuple(supported for supported in stated.values() if supported is not None)
    supported: list[SupportedFigure] = []
    unsupported: list[UnsupportedFigure] = []
    for index, figure in enumerate(reported):
        if support := stated[index] or find_derivation(figure, cited, known):
            supported.append(support)
        else:
            unsupported.append(UnsupportedFigure(figure, unsupported_reason(figure, known)))
    return FigureCheck(reported, known, tuple(supported), tuple(unsupported))

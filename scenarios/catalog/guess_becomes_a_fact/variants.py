"""The broken finance crew: a noted guess looks like a figure, and counts as its own source."""

from collections.abc import Mapping
from typing import Any

from instrumentation.figures.figure_check import FigureCheck, check_figures
from instrumentation.state.shared_state import StateEntry
from workflows.crew_finance import FinanceCrew
from workflows.finance import Evidence


class HidesSourceOfNotes(FinanceCrew):
    """The twin: a note is shown without its source, which harms nobody while no note is a guess."""

    def describe_note(self, note: StateEntry) -> Mapping[str, Any]:
        return {"key": note.key, "figure": note.value}


class TrustsItsAgents(HidesSourceOfNotes):
    """The mistake: a note is shown without its source, and agents' outputs count as sources."""

    def check_report(self, report: str, evidence: Evidence) -> FigureCheck:
        return check_figures(report, evidence.task_outputs)

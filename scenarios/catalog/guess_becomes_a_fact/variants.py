"""The broken finance crew: a noted guess looks like a figure, and counts as its own source."""

from collections.abc import Mapping
from typing import Any

from instrumentation import FigureCheck, StateEntry, check_figures
from workflows.crew_finance import FinanceCrew
from workflows.support import finance


class HidesSourceOfNotes(FinanceCrew):
    """The mistake: a note is shown without its source, so that a guess looks like a figure."""

    def describe_note(self, note: StateEntry) -> Mapping[str, Any]:
        return {"key": note.key, "figure": note.value}


class TrustsItsAgents(HidesSourceOfNotes):
    """The mistake: the agents' own outputs count as sources, so that a guess confirms itself."""

    def check_report(self, report: str, evidence: finance.Evidence) -> FigureCheck:
        return check_figures(report, evidence.task_outputs)

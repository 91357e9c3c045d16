"""The broken finance crew: only its first task is given the charter."""

from collections.abc import Mapping

from workflows.crew_finance import FinanceCrew


class GivesCharterToSpecialistOnly(FinanceCrew):
    """The mistake: each task is given the previous results, as if those repeated the charter."""

    contexts: Mapping[str, tuple[str, ...]] = {
        "charter": (),
        "figures": ("charter",),
        "analysis": ("figures",),
        "briefing": ("figures", "analysis"),
    }

"""The broken finance crew: its synthesist is given no figures."""

from collections.abc import Mapping

from workflows.crew_finance import FinanceCrew


class GivesSynthesistCharterOnly(FinanceCrew):
    """The mistake: `context` lists all that a task is given; it does not add to a default."""

    contexts: Mapping[str, tuple[str, ...]] = {
        "charter": (),
        "figures": ("charter",),
        "analysis": ("charter", "figures"),
        "briefing": ("charter",),
    }


class GivesSynthesistTheAnalysis(FinanceCrew):
    """The twin: the synthesist does not see the specialist's result; the analysis repeats it."""

    contexts: Mapping[str, tuple[str, ...]] = {
        "charter": (),
        "figures": ("charter",),
        "analysis": ("charter", "figures"),
        "briefing": ("charter", "analysis"),
    }

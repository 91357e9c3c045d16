"""Probes: cases that show a regression, and are no rows of the fidelity table."""

from integrations.cases.case import Case
from integrations.cases.scripted_replies import says

SHARED_MODEL = Case(
    "shared_model",
    "crewai",
    "two agents share a model object, and have no tools",
    lines=(says("clerk", "The first part is done."), says("clerk", "So is the second.")),
    turns=("clerk", "clerk"),
    handoffs=(("clerk", "clerk"),),
)
"""It answers with the tokens that CrewAI says were used."""

PROBES = (SHARED_MODEL,)

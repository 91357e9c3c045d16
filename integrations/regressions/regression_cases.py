"""Probes: cases that show a regression, and are no rows of the fidelity table."""

from integrations.cases.case import Case
from integrations.cases.scripted_replies import scripted_reply

SHARED_MODEL = Case(
    "shared_model",
    "crewai",
    "two agents share a model object, and have no tools",
    scripted_replies=(
        scripted_reply("clerk", "The first part is done."),
        scripted_reply("clerk", "So is the second."),
    ),
    turns=("clerk", "clerk"),
    handoffs=(("clerk", "clerk"),),
)
"""It answers with the tokens that CrewAI says were used."""

REGRESSION_CASES = (SHARED_MODEL,)

"""The broken finance crew: the form of the specialist's result has no field for a caveat."""

from crewai import Agent, Crew

from workflows.crew_finance import FinanceCrew
from workflows.support import finance

FORM = 'JSON alone, and no other fields: {"figure": "with unit and period", "source": "its name"}'


class AsksForTwoFieldsOnly(FinanceCrew):
    """The mistake: the specialist's result is a form, and a caveat has no place in it."""

    def build_crew(self, agents: list[Agent], evidence: finance.Evidence) -> Crew:
        crew = super().build_crew(agents, evidence)
        evidence.tasks["figures"].expected_output = FORM
        return crew

"""The cases: what is played against each instrumentor, the rows of the fidelity table."""

from integrations.cases import autogen_cases, crewai_cases, openai_cases
from integrations.cases.case import Case


def all_cases(framework: str = "") -> tuple[Case, ...]:
    """All of them, in the order of the table; or those of one framework."""
    every = (*crewai_cases.CASES, *autogen_cases.CASES, *openai_cases.CASES)
    return tuple(case for case in every if framework in ("", case.framework))

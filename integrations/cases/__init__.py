"""The cases: what is played against each instrumentor, the rows of the fidelity table."""

from integrations.case import Case
from integrations.cases import clients, crews, teams


def cases(framework: str = "") -> tuple[Case, ...]:
    """All of them, in the order of the table; or those of one framework."""
    every = (*crews.CASES, *teams.CASES, *clients.CASES)
    return tuple(case for case in every if framework in ("", case.framework))

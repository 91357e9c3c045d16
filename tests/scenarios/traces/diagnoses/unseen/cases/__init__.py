"""The runs of each program: healthy, with a fault, with two."""

from tests.scenarios.traces.diagnoses.unseen.case import Case
from tests.scenarios.traces.diagnoses.unseen.cases import (
    cleaning,
    contract,
    hiring,
    incident,
    refund,
    travel,
)

CASES: tuple[Case, ...] = (
    *travel.CASES,
    *incident.CASES,
    *hiring.CASES,
    *contract.CASES,
    *cleaning.CASES,
    *refund.CASES,
)

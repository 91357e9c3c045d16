"""All cases of all frameworks, in the order of the fidelity table."""

from integrations.cases.autogen_cases import AUTOGEN_CASES
from integrations.cases.case import Case
from integrations.cases.crewai_cases import CREWAI_CASES
from integrations.cases.openai_cases import OPENAI_CASES


def all_cases(framework: str = "") -> tuple[Case, ...]:
    """The cases of a framework, or of all frameworks, in the order of the fidelity table."""
    cases = (*CREWAI_CASES, *AUTOGEN_CASES, *OPENAI_CASES)
    return tuple(case for case in cases if framework in ("", case.framework))

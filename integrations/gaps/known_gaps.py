"""The known gaps: what is missing from traces today, and whose doing it is."""

from integrations.gaps import autogen_gaps, crewai_gaps, openai_gaps
from integrations.gaps.gap import Gap

KNOWN_GAPS: tuple[Gap, ...] = (
    *crewai_gaps.CREWAI_GAPS,
    *autogen_gaps.AUTOGEN_GAPS,
    *openai_gaps.OPENAI_GAPS,
)

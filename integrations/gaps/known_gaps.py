"""The known gaps: what is missing from traces today, and whose doing it is."""

from integrations.gaps import autogen_gaps, crewai_gaps, openai_gaps
from integrations.gaps.gap import Gap

KNOWN: tuple[Gap, ...] = (*crewai_gaps.GAPS, *autogen_gaps.GAPS, *openai_gaps.GAPS)

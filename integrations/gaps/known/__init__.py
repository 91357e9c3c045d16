"""The known gaps: what is missing from traces today, and whose doing it is."""

from integrations.gaps.gap import Gap
from integrations.gaps.known import autogen, crewai, openai

KNOWN: tuple[Gap, ...] = (*crewai.GAPS, *autogen.GAPS, *openai.GAPS)

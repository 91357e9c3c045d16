"""The known gaps: what is missing from traces today, and whose doing it is."""

from integrations.gap import Gap
from integrations.known import autogen, crewai, openai

KNOWN: tuple[Gap, ...] = (*crewai.GAPS, *autogen.GAPS, *openai.GAPS)

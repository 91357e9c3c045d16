"""All known gaps of MLflow's autologging and of our own instrumentation."""

from integrations.gaps.autogen_gaps import AUTOGEN_GAPS
from integrations.gaps.crewai_gaps import CREWAI_GAPS
from integrations.gaps.gap import Gap
from integrations.gaps.openai_gaps import OPENAI_GAPS

KNOWN_GAPS: tuple[Gap, ...] = (*CREWAI_GAPS, *AUTOGEN_GAPS, *OPENAI_GAPS)

"""All known gaps of MLflow's autologging and of our own instrumentation."""

from integrations.gaps.autogen_autolog_gaps import AUTOGEN_AUTOLOG_GAPS
from integrations.gaps.crewai_autolog_gaps import CREWAI_AUTOLOG_GAPS
from integrations.gaps.gap import Gap
from integrations.gaps.openai_autolog_gaps import OPENAI_AUTOLOG_GAPS

KNOWN_GAPS: tuple[Gap, ...] = (*CREWAI_AUTOLOG_GAPS, *AUTOGEN_AUTOLOG_GAPS, *OPENAI_AUTOLOG_GAPS)

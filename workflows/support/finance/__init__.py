"""The parts of the finance crew: prompts, tools, evidence, World Bank API and report.

`prompts.py` has the prompts of agents and tasks, `tools.py` the four tools, `evidence.py` the
record that they keep of a run, `world_bank_client.py` the API that they query, and `report.py` the
report's format, its guardrail, and the outcome of a run.
"""

from workflows.support.finance.evidence import Evidence
from workflows.support.finance.prompts import PERSONAS, REQUIRED_TOOLS, TASKS
from workflows.support.finance.report import Briefing, Report, build_briefing, make_guardrail
from workflows.support.finance.tools import (
    make_check_tool,
    make_lookup_tool,
    make_note_tool,
    make_recall_tool,
)
from workflows.support.finance.world_bank_client import WorldBank, parse_reply

__all__ = [
    "PERSONAS",
    "REQUIRED_TOOLS",
    "TASKS",
    "Briefing",
    "Evidence",
    "Report",
    "WorldBank",
    "build_briefing",
    "make_check_tool",
    "make_guardrail",
    "make_lookup_tool",
    "make_note_tool",
    "make_recall_tool",
    "parse_reply",
]

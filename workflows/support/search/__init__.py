"""The parts of the search agent: its tools, the state of a run, and checks of answers and calls.

Exported here are the types of the tools and the checks, which need no framework.
"""

from workflows.support.search.checks import check_country, find_misquotes, find_unsupported_figures
from workflows.support.search.tools import CallRejectedError, Hit, InvalidArgumentsError

__all__ = [
    "CallRejectedError",
    "Hit",
    "InvalidArgumentsError",
    "check_country",
    "find_misquotes",
    "find_unsupported_figures",
]

"""The parts of the search agent: its tools, the state of a run, and checks of answers and calls.

Exported here are the types of the tools and the checks, which need no framework.
"""

from workflows.support.search.checks import (
    object_to_misquotes,
    object_to_other_country,
    object_to_unsupported_figures,
)
from workflows.support.search.tools import CallRejectedError, Hit, InvalidArgumentsError

__all__ = [
    "CallRejectedError",
    "Hit",
    "InvalidArgumentsError",
    "object_to_misquotes",
    "object_to_other_country",
    "object_to_unsupported_figures",
]

"""Test a program with its trace: `expect`, all expectations, and `use_tape`.

from flight_recorder.testing import calls_tool, expect, hands_off

expect(trace, hands_off("writer", "editor"), calls_tool("writer", "search", times=1))
"""

from typing import TYPE_CHECKING, Any

from instrumentation.trace import Trace, TraceNotFoundError
from scenarios import expectations as _expectations
from scenarios.expectations import *  # noqa: F403 # its __all__ is this module's, too
from scenarios.testing.expect import ExpectationsFailedError, expect
from scenarios.testing.scorers import as_scorer
from scenarios.testing.traced_test import TracedTest, trace_test

if TYPE_CHECKING:
    from scenarios.programs.use_tape import TapeSession, use_tape

__all__ = [
    *_expectations.__all__,
    "ExpectationsFailedError",
    "TapeSession",
    "Trace",
    "TraceNotFoundError",
    "TracedTest",
    "as_scorer",
    "expect",
    "trace_test",
    "use_tape",
]


def __getattr__(name: str) -> Any:
    """Import a server on first use: it needs the extra `replay`, which expectations do not."""
    if name not in ("TapeSession", "use_tape"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scenarios.programs import use_tape

    return getattr(use_tape, name)

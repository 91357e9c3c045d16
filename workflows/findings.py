"""A finding: what a specialist has measured, noted in the shared state for the others to read."""

from collections.abc import Callable
from typing import Any

from instrumentation.state.shared_state import SharedState, StaleWriteError, StateEntry

Notes = Callable[[SharedState, str, str], StateEntry]
"""How a finding is noted: in which slot of the state, and what becomes of what stands there."""


def kept_together(state: SharedState, author: str, finding: str) -> StateEntry:
    """Add the finding to those in the one slot that all share.

    By compare-and-set: whoever was overtaken between reading and writing reads again.
    """
    while True:
        others = state.read("findings", reader=author) if state.history("findings") else None
        try:
            return state.write(
                "findings",
                [*(others.value if others else ()), f"[{author}] {finding}"],
                author=author,
                expected_version=others.version if others else 0,
            )
        except StaleWriteError:
            continue


def recalled(state: SharedState, reader: str) -> dict[str, Any]:
    """What stands in each slot that was written."""
    return {key: state.read(key, reader=reader).value for key in state.written_keys()}

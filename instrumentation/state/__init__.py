"""State that the agents of one run share, with the author and the grounding of each value."""

from instrumentation.state.shared_state import SharedState
from instrumentation.state.state_entry import StaleWriteError, StateEntry, UnknownKeyError

__all__ = ["SharedState", "StaleWriteError", "StateEntry", "UnknownKeyError"]

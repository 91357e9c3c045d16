"""Agent Flight Recorder: record multi-agent programs in MLflow, and replay their failures.

    from flight_recorder import enable_tracing, record_run

    with enable_tracing(), record_run() as run:
        ...  # AutoGen, CrewAI and openai are recorded
    print(len(run.traces()))

The package has the names of `instrumentation`, each imported on first use.
"""

from typing import TYPE_CHECKING, Any

import instrumentation as _instrumentation

if TYPE_CHECKING:
    from instrumentation import *  # noqa: F403 # type checkers follow no __getattr__

__all__ = list(_instrumentation.__all__)


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(_instrumentation, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

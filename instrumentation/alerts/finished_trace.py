"""A finished trace with the metadata of its store: what alert rules are evaluated on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from instrumentation.trace.trace import Trace


@dataclass(frozen=True)
class FinishedTrace:
    """The trace of a run that has ended, the name of its experiment, and its MLflow tags."""

    trace: Trace
    experiment: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """MLflow's trace id; empty for a trace that was read from JSON."""
        return self.trace.ids[0] if self.trace.ids else ""

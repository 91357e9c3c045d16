"""A finished trace: the tree of one run that has ended, with what its store says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from instrumentation.trace.trace import Trace


@dataclass(frozen=True)
class FinishedTrace:
    """`experiment` is the name of the one that holds the trace; `tags` are those of MLflow."""

    trace: Trace
    experiment: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The trace's id in its store; empty of a recorded trace, which has none."""
        return self.trace.ids[0] if self.trace.ids else ""

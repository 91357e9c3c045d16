"""An alert: a measure of finished traces, and the threshold that it is held against."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from instrumentation.alerts.finished_trace import FinishedTrace
from instrumentation.alerts.measured_unit import RUN
from instrumentation.alerts.measures import MEASURES
from instrumentation.alerts.reading import Reading

EACH = "each"
"""How a measure is taken that is held against the threshold for each reading by itself."""


@dataclass(frozen=True)
class AlertRule:
    """One line of the table. It alarms where its measure is above `at_most`, or below `at_least`.

    `measure` is one of `MEASURES`. `taken` is "each", of each reading by itself, or else of all of
    the window's: "total", "mean", "share" (a mean, in per cent) or a percentile, as "p95". Looked
    at are the runs of a `workflow` (the name of the root) in an `experiment`, with these `tags`, in
    them those of an `agent` (of handoffs, the receiver) and a `tool`. `unit` is a "run", "turn",
    "call" or "completion": by default a call where a tool is named, a turn where an agent is, else
    a run. Fewer readings than `needs` are too few for a judgement. Where nothing can be judged no
    gate passes, unless the alert is `optional`.
    """

    name: str
    measure: str
    at_most: float | None = None
    at_least: float | None = None
    taken: str = EACH
    workflow: str = ""
    agent: str = ""
    tool: str = ""
    unit: str = ""
    experiment: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    needs: int = 1
    optional: bool = False

    @property
    def limit(self) -> str:
        """The threshold, in words."""
        form = MEASURES[self.measure].format
        if self.at_most is not None:
            return f"at most {form(self.at_most)} is allowed"
        return f"at least {form(self.at_least or 0.0)} is required"

    def excess(self, value: float) -> float:
        """How far a value is beyond the threshold; zero or less is on the right side of it."""
        return value - self.at_most if self.at_most is not None else (self.at_least or 0.0) - value

    def measure_trace(self, finished: FinishedTrace) -> Iterator[Reading]:
        """What it reads off a trace: nothing, of one that it is not about."""
        if self.experiment not in ("", finished.experiment):
            return
        if not self.tags.items() <= finished.tags.items():
            return
        unit = self.unit or ("call" if self.tool else "turn" if self.agent else RUN)
        for root in finished.trace.roots:
            if self.workflow in ("", root.name):
                found = MEASURES[self.measure].readings(root, unit)
                yield from (reading for reading in found if self._applies_to(reading))

    def _applies_to(self, reading: Reading) -> bool:
        called = reading.span.name if reading.span.type == "TOOL" else None
        return self.agent in ("", reading.agent) and self.tool in ("", called)

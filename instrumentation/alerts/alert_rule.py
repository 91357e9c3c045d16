"""One alert rule: a measure of finished traces, a filter, and a threshold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from instrumentation.alerts.measurement import RUN, FinishedTrace, Measurement
from instrumentation.alerts.measures import MEASURES

EACH = "each"
"""The aggregate of a rule that checks each measurement by itself."""


@dataclass(frozen=True)
class AlertRule:
    """A rule that fires if its measure is above `at_most`, or below `at_least`.

    Example:
        AlertRule("slow runs", "latency_ms", aggregate="p95", at_most=30_000, min_readings=20)

    Attributes:
        measure: The name of one of `MEASURES`.
        aggregate: "each" checks each measurement by itself. The others check one value of the whole
            time window: "total", "mean", "share" (a mean, in percent) or a percentile like "p95".
        workflow: If given, only runs whose root span has this name.
        agent: If given, only work of this agent; of handoffs, those that it receives.
        tool: If given, only calls of this tool.
        unit: "run", "turn", "call" or "completion". Default: a call if a tool is given, a turn if
            an agent is given, else a run.
        experiment: If given, only traces of this experiment.
        tags: Only traces with these tags.
        min_readings: With fewer measurements the rule is not evaluated.
        optional: If the rule is not evaluated, the report passes nevertheless.
    """

    name: str
    measure: str
    at_most: float | None = None
    at_least: float | None = None
    aggregate: str = EACH
    workflow: str = ""
    agent: str = ""
    tool: str = ""
    unit: str = ""
    experiment: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    min_readings: int = 1
    optional: bool = False

    @property
    def limit(self) -> str:
        """The threshold as text."""
        format_value = MEASURES[self.measure].format
        if self.at_most is not None:
            return f"at most {format_value(self.at_most)} is allowed"
        return f"at least {format_value(self.at_least or 0.0)} is required"

    def excess(self, value: float) -> float:
        """How far a value is beyond the threshold; positive if the rule fires."""
        return value - self.at_most if self.at_most is not None else (self.at_least or 0.0) - value

    def measure_trace(self, finished: FinishedTrace) -> Iterator[Measurement]:
        """Yield the measurements of a trace; none if the rule does not apply to it."""
        if self.experiment not in ("", finished.experiment):
            return
        if not self.tags.items() <= finished.tags.items():
            return
        unit = self.unit or ("call" if self.tool else "turn" if self.agent else RUN)
        for root in finished.trace.roots:
            if self.workflow in ("", root.name):
                measurements = MEASURES[self.measure].readings(root, unit)
                yield from (one for one in measurements if self._applies_to(one))

    def _applies_to(self, measurement: Measurement) -> bool:
        tool = measurement.span.name if measurement.span.type == "TOOL" else None
        return self.agent in ("", measurement.agent) and self.tool in ("", tool)


DEFAULT_ALERT_RULES = (
    AlertRule("failed runs", "failed", aggregate="share", at_most=0.05),
    AlertRule(
        "failed completions",
        "failed",
        unit="completion",
        aggregate="share",
        at_most=0.05,
        optional=True,
    ),
    AlertRule("slow run", "latency_ms", at_most=120_000, optional=True),
    AlertRule(
        "slow runs", "latency_ms", aggregate="p95", at_most=30_000, min_readings=20, optional=True
    ),
    AlertRule("tokens of a run", "tokens", at_most=100_000, optional=True),
    AlertRule("cost of a run", "cost_usd", at_most=1.0, optional=True),
    AlertRule("loop", "repeats", at_most=2, optional=True),
    AlertRule("lost handoff", "handoff_share", at_least=0.5, optional=True),
)
"""The rules if no file is given. A rule is optional here if healthy programs may have nothing to
measure, as a chat has no handoffs. Totals are not included: they depend on the time window."""

"""Record OpenTelemetry metrics of finished traces: tokens, durations, handoffs, errors and alerts.

    from instrumentation.export.trace_metrics import TraceMetrics

    metrics = TraceMetrics(meter_provider)  # of opentelemetry.sdk.metrics, with your exporters
    metrics.record_trace(trace)

The metrics are made of traces, not of calls: what reads a store can record them for many programs,
and a program whose traces are sampled still counts each trace that was stored.

Source: https://github.com/open-telemetry/semantic-conventions-genai, v0.1.0, gen-ai-metrics.md.
The conventions have no metrics of handoffs and alerts; those begin with `flight_recorder.`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from instrumentation.alerts.alert_result import AlertReport
from instrumentation.alerts.measures import measure_handoff_arrival
from instrumentation.trace import Span, Trace

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

DURATION_BOUNDS_S = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64),
    *(1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
"""Bounds of the buckets of a duration, as the convention gives them."""
TOKEN_BOUNDS = tuple(4**exponent for exponent in range(14))
"""Bounds of the buckets of a token count, as the convention gives them."""
SHARE_BOUNDS = tuple(tenth / 10 for tenth in range(11))
DIMENSIONS = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model")
"""Attributes by which durations and tokens are told apart. None of them has many values."""


class TraceMetrics:
    """The instruments of one meter provider, which is neither made global nor shut down here."""

    def __init__(self, provider: "MeterProvider") -> None:
        meter = provider.get_meter("flight_recorder")
        self._durations = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="Duration of completions.",
            explicit_bucket_boundaries_advisory=DURATION_BOUNDS_S,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Tokens of completions, as the endpoint reports them.",
            explicit_bucket_boundaries_advisory=TOKEN_BOUNDS,
        )
        self._handoffs = meter.create_histogram(
            "flight_recorder.handoff.efficiency_score",
            unit="1",
            description="Share of a sender's output that is in the receiver's prompt.",
            explicit_bucket_boundaries_advisory=SHARE_BOUNDS,
        )
        self._traces = meter.create_counter(
            "flight_recorder.traces", unit="{trace}", description="Finished traces by status."
        )
        self._findings = meter.create_counter(
            "flight_recorder.findings",
            unit="{finding}",
            description="Failures that the diagnosis found, by failure mode and agent.",
        )
        self._alerts = meter.create_gauge(
            "flight_recorder.alert.firing",
            unit="1",
            description="1 while an alert rule is violated, else 0.",
        )

    def record_trace(self, trace: Trace) -> None:
        """Record the completions and handoffs of a finished trace."""
        for root in trace.roots:
            self._traces.add(1, {"status": "error" if root.failed else "ok"})
            for span in root:
                if span.type in ("LLM", "CHAT_MODEL"):
                    self._record_completion(span)
            for arrival in measure_handoff_arrival(root):
                handoff = arrival.span.attributes
                agents = {
                    name: str(handoff.get(f"flight_recorder.handoff.{name}"))
                    for name in ("from_agent", "to_agent")
                }
                self._handoffs.record(arrival.value, agents)

    def record_finding(self, mode: str, agent: str | None) -> None:
        """Count a finding of the diagnosis."""
        self._findings.add(1, {"mode": mode, "agent": str(agent)})

    def record_alerts(self, report: AlertReport) -> None:
        """Set each alert rule to firing or not; a rule that was not evaluated keeps its value."""
        for result in report.results:
            if result.not_evaluated_reason is None:
                self._alerts.set(int(bool(result.findings)), {"alert": result.alert.name})

    def _record_completion(self, span: Span) -> None:
        dimensions = _dimensions(span)
        for kind, count in (("input", span.tokens.input), ("output", span.tokens.output)):
            if count:
                self._tokens.record(count, {**dimensions, "gen_ai.token.type": kind})
        if span.end_ns:
            # "_OTHER" is the convention's default.
            type = str(span.attributes.get("error.type") or "_OTHER")
            error = {"error.type": type} if span.failed else {}
            self._durations.record((span.end_ns - span.start_ns) / 1e9, {**dimensions, **error})


def _dimensions(span: Span) -> dict[str, str]:
    """Operation, provider and model of a completion by OpenTelemetry's conventions."""
    from opentelemetry.trace import SpanKind

    from instrumentation.export.genai.conventions import apply_conventions

    attributes: Mapping[str, Any] = {**span.attributes, "mlflow.spanType": span.type}
    described = apply_conventions(span.name, SpanKind.CLIENT, attributes, span.inputs, span.outputs)
    known = {name: described.attributes.get(name) for name in DIMENSIONS}
    return {name: str(value) for name, value in known.items() if value}

"""Tracing of multi-agent programs: the API that a program calls, and the code that reads traces.

    from instrumentation import enable_tracing, record_run

    with enable_tracing(), record_run() as run:
        ...  # AutoGen, CrewAI and openai are recorded in MLflow
    print(len(run.traces()))

The names below are imported on first use, so `import instrumentation` itself is cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from instrumentation.export.trace_metrics import TraceMetrics
    from instrumentation.figures import FigureCheck, check_figures, extract_figures
    from instrumentation.guardrails import (
        Approval,
        Authorization,
        CircuitBreaker,
        GuardrailBlockedError,
        Guardrails,
        TokenBudget,
        guard_crew,
        guarded,
        redact_input,
    )
    from instrumentation.http_attempts import traced_http_client, tracing_interceptor
    from instrumentation.recording.chat_completion import record_request, record_response
    from instrumentation.recording.handoffs import record_handoffs
    from instrumentation.recording.remote_trace import continue_remote_trace
    from instrumentation.recording.run import RunHandle, record_run
    from instrumentation.redaction import (
        DEFAULT_REDACTION,
        NO_REDACTION,
        Redaction,
        RedactionPattern,
        SecretFields,
    )
    from instrumentation.sampling import Sampling
    from instrumentation.state import SharedState, StaleWriteError, StateEntry, UnknownKeyError
    from instrumentation.steps import Step, collect_steps, on_step, on_task, steps_from_trace
    from instrumentation.steps.routing import routing_attributes
    from instrumentation.steps.step_times import TimedStep, build_timeline
    from instrumentation.steps.telemetry import Price, telemetry_attributes
    from instrumentation.trace import Span, Tokens, Trace, TraceNotFoundError, trace_from_mlflow
    from instrumentation.trace.session import Session
    from instrumentation.tracing import Tracing, enable_tracing
    from instrumentation.tracing_setup.sigterm import handle_sigterm

_MODULES = {
    "export.trace_metrics": "TraceMetrics",
    "figures": "FigureCheck check_figures extract_figures",
    "guardrails": "Approval Authorization CircuitBreaker GuardrailBlockedError Guardrails"
    " TokenBudget guard_crew guarded redact_input",
    "http_attempts": "traced_http_client tracing_interceptor",
    "recording.chat_completion": "record_request record_response",
    "recording.handoffs": "record_handoffs",
    "recording.remote_trace": "continue_remote_trace",
    "recording.run": "RunHandle record_run",
    "redaction": "DEFAULT_REDACTION NO_REDACTION Redaction RedactionPattern SecretFields",
    "sampling": "Sampling",
    "state": "SharedState StaleWriteError StateEntry UnknownKeyError",
    "steps": "Step collect_steps on_step on_task steps_from_trace",
    "steps.routing": "routing_attributes",
    "steps.telemetry": "Price telemetry_attributes",
    "steps.step_times": "TimedStep build_timeline",
    "trace": "Span Tokens Trace TraceNotFoundError trace_from_mlflow",
    "trace.session": "Session",
    "tracing": "Tracing enable_tracing",
    "tracing_setup.sigterm": "handle_sigterm",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = [
    "DEFAULT_REDACTION",
    "NO_REDACTION",
    "Approval",
    "Authorization",
    "CircuitBreaker",
    "FigureCheck",
    "GuardrailBlockedError",
    "Guardrails",
    "Price",
    "Redaction",
    "RedactionPattern",
    "RunHandle",
    "Sampling",
    "SecretFields",
    "Session",
    "SharedState",
    "Span",
    "StaleWriteError",
    "StateEntry",
    "Step",
    "TimedStep",
    "TokenBudget",
    "Tokens",
    "Trace",
    "TraceMetrics",
    "TraceNotFoundError",
    "Tracing",
    "UnknownKeyError",
    "build_timeline",
    "check_figures",
    "collect_steps",
    "continue_remote_trace",
    "enable_tracing",
    "extract_figures",
    "guard_crew",
    "guarded",
    "handle_sigterm",
    "on_step",
    "on_task",
    "record_handoffs",
    "record_request",
    "record_response",
    "record_run",
    "redact_input",
    "routing_attributes",
    "steps_from_trace",
    "telemetry_attributes",
    "trace_from_mlflow",
    "traced_http_client",
    "tracing_interceptor",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

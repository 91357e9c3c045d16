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
    from instrumentation.export.trace_metrics import TraceMetrics as TraceMetrics
    from instrumentation.figures import FigureCheck as FigureCheck
    from instrumentation.figures import check_figures as check_figures
    from instrumentation.figures import extract_figures as extract_figures
    from instrumentation.guardrails import Approval as Approval
    from instrumentation.guardrails import Authorization as Authorization
    from instrumentation.guardrails import CircuitBreaker as CircuitBreaker
    from instrumentation.guardrails import GuardrailBlockedError as GuardrailBlockedError
    from instrumentation.guardrails import Guardrails as Guardrails
    from instrumentation.guardrails import TokenBudget as TokenBudget
    from instrumentation.guardrails import guard_crew as guard_crew
    from instrumentation.guardrails import guarded as guarded
    from instrumentation.guardrails import redact_input as redact_input
    from instrumentation.http_attempts import traced_http_client as traced_http_client
    from instrumentation.http_attempts import tracing_interceptor as tracing_interceptor
    from instrumentation.recording.chat_completion import record_request as record_request
    from instrumentation.recording.chat_completion import record_response as record_response
    from instrumentation.recording.handoffs import record_handoffs as record_handoffs
    from instrumentation.recording.remote_trace import (
        continue_remote_trace as continue_remote_trace,
    )
    from instrumentation.recording.run import RunHandle as RunHandle
    from instrumentation.recording.run import record_run as record_run
    from instrumentation.redaction import DEFAULT_REDACTION as DEFAULT_REDACTION
    from instrumentation.redaction import NO_REDACTION as NO_REDACTION
    from instrumentation.redaction import Redaction as Redaction
    from instrumentation.redaction import RedactionPattern as RedactionPattern
    from instrumentation.redaction import SecretFields as SecretFields
    from instrumentation.sampling import Sampling as Sampling
    from instrumentation.state import SharedState as SharedState
    from instrumentation.state import StaleWriteError as StaleWriteError
    from instrumentation.state import StateEntry as StateEntry
    from instrumentation.state import UnknownKeyError as UnknownKeyError
    from instrumentation.steps import Step as Step
    from instrumentation.steps import collect_steps as collect_steps
    from instrumentation.steps import on_step as on_step
    from instrumentation.steps import on_task as on_task
    from instrumentation.steps import steps_from_trace as steps_from_trace
    from instrumentation.steps.routing import routing_attributes as routing_attributes
    from instrumentation.steps.step_times import TimedStep as TimedStep
    from instrumentation.steps.step_times import build_timeline as build_timeline
    from instrumentation.steps.telemetry import Price as Price
    from instrumentation.steps.telemetry import telemetry_attributes as telemetry_attributes
    from instrumentation.trace import Span as Span
    from instrumentation.trace import Tokens as Tokens
    from instrumentation.trace import Trace as Trace
    from instrumentation.trace import TraceNotFoundError as TraceNotFoundError
    from instrumentation.trace import trace_from_mlflow as trace_from_mlflow
    from instrumentation.trace.session import Session as Session
    from instrumentation.tracing import Tracing as Tracing
    from instrumentation.tracing import enable_tracing as enable_tracing
    from instrumentation.tracing_setup.sigterm import handle_sigterm as handle_sigterm

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

__all__ = [*_MODULE_OF]


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

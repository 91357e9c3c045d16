"""The registry of instrumentors: how each is enabled, where, and what it does not support.

It is read by the child process too, so it imports nothing but the standard library.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from integrations.instrumentors.capture import CaptureCase

EnableFunction = Callable[[str, str], "AbstractContextManager[CaptureCase]"]
"""Takes a tracking URI and a framework. The instrumentor is enabled within the context, which
yields a function that captures what a case records."""


@dataclass(frozen=True, eq=False)  # hashed by identity, so that it can be a dictionary key
class Instrumentor:
    """A tracing integration, or a combination of several, that records cases.

    Attributes:
        name: Its name in tables, goldens and options.
        function: Its `EnableFunction`, as "module:function" in `integrations.instrumentors`.
        how_enabled: How a program enables it, in Markdown.
        environment_name: The environment that has it, as `make NAME-env` builds it; empty for the
            project's own.
        packages: Packages whose versions the fidelity table lists beside the frameworks.
        unsupported: Frameworks that it cannot record by design, and why.
    """

    name: str
    function: str
    how_enabled: str = ""
    environment_name: str = ""
    packages: tuple[str, ...] = ("mlflow",)
    unsupported: Mapping[str, str] = field(default_factory=dict)


PLAIN_AUTOLOG = "plain autolog"
BOTH_AUTOLOGS = "autolog of both"
AUTOLOGS = (PLAIN_AUTOLOG, BOTH_AUTOLOGS)
PLAIN_AUTOLOG_3_18 = "plain autolog 3.18"
OURS = "ours"
FRAMEWORK_TELEMETRY = "its own OpenTelemetry"
WITH_DECLARED_GAPS = (*AUTOLOGS, OURS)
"""Instrumentors whose gaps are declared in `integrations/gaps`. All others are compared with the
fidelity table."""

INSTRUMENTORS = (
    Instrumentor(
        PLAIN_AUTOLOG,
        "mlflow_autolog:enable_plain_autolog",
        "`mlflow.<framework>.autolog()`",
    ),
    Instrumentor(
        PLAIN_AUTOLOG_3_18,
        "mlflow_autolog:enable_plain_autolog",
        "the same, with mlflow 3.18.0",
        "mlflow-3-18",
    ),
    Instrumentor(
        BOTH_AUTOLOGS,
        "mlflow_autolog:enable_both_autologs",
        "plain autolog, and `mlflow.openai.autolog()`",
        unsupported={"openai": "there is only the client's own autolog: see plain autolog"},
    ),
    Instrumentor(
        OURS,
        "ours:enable_ours",
        "`instrumentation.enable_tracing`: plain autolog with our patches",
    ),
    Instrumentor(
        "OpenInference",
        "openinference:enable_openinference",
        "the framework's instrumentor, on MLflow's bridged tracer provider; CrewAI's with"
        " `use_event_listener=True`, which records more than its default; without the client's"
        " instrumentor, which would record each completion twice",
        "openinference",
        (
            "mlflow",
            "openinference-instrumentation-autogen-agentchat",
            "openinference-instrumentation-crewai",
            "openinference-instrumentation-openai",
        ),
    ),
    Instrumentor(
        "OpenLLMetry",
        "openllmetry:enable_openllmetry",
        "`Traceloop.init`, with every instrumentor that it finds",
        "openllmetry",
        ("opentelemetry-sdk", "traceloop-sdk"),
    ),
    Instrumentor(
        "OpenLIT",
        "openlit:enable_openlit",
        "`openlit.init`, with every instrumentor that it finds; with a price file, which it would"
        " download otherwise; without events and metrics, which repeat its spans",
        "openlit",
        ("openlit", "opentelemetry-sdk"),
    ),
    Instrumentor(
        FRAMEWORK_TELEMETRY,
        "framework_telemetry:capture_framework_telemetry",
        "CrewAI: `crewai.telemetry.tracing.telemetry_session` with an exporter; AutoGen: a global"
        " tracer provider, without the client's instrumentor that its guide adds, which other"
        " rows of this table cover",
        packages=("opentelemetry-sdk",),
        unsupported={"openai": "the openai client has no telemetry"},
    ),
)
"""In the order of the fidelity table's columns."""
INSTRUMENTORS_BY_NAME: Mapping[str, Instrumentor] = {each.name: each for each in INSTRUMENTORS}
UNINSTRUMENTED = Instrumentor("none", "capture:enable_nothing")
"""Records nothing: the baseline of benchmarks."""


def load_enable_function(name: str) -> EnableFunction:
    """Import the enable function of an instrumentor by the instrumentor's name."""
    instrumentors = {**INSTRUMENTORS_BY_NAME, UNINSTRUMENTED.name: UNINSTRUMENTED}
    module, _, function = instrumentors[name].function.partition(":")
    imported = import_module(f"integrations.instrumentors.{module}")
    return cast(EnableFunction, getattr(imported, function))

"""The instrumentors: what can record a case, by the name of its column."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import cast

from integrations.instrumentors.capture import CaptureCase

Enable = Callable[[str, str], AbstractContextManager[CaptureCase]]
"""Given a store and a framework, it is on for its body, and yields how to enter a case."""

ENABLE_FUNCTIONS = {
    "none": "uninstrumented:nothing",
    "plain autolog": "mlflow_autolog:plain",
    "autolog of both": "mlflow_autolog:both",
    "ours": "ours:ours",
    "OpenInference": "openinference:openinference",
    "OpenLLMetry": "openllmetry:openllmetry",
    "OpenLIT": "openlit:openlit_init",
    "its own OpenTelemetry": "framework_telemetry:own",
}
"""Each, as module and function of this package: not imported before it is wanted."""


def load_instrumentor(name: str) -> Enable:
    """The instrumentor of that name."""
    module, _, function = ENABLE_FUNCTIONS[name].partition(":")
    return cast(Enable, getattr(import_module(f"integrations.instrumentors.{module}"), function))

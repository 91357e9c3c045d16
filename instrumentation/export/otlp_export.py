"""Export: finished spans sent over OTLP, beside the store that MLflow keeps them in.

OpenTelemetry's environment variables turn it on, as MLflow reads them:

    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318/v1/traces

A receiver that is down, slow or wrong is reported in one line, and is nothing that the program
waits for. It works in `traced`, and by itself: `with applied(export()): …`, with
`MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT=true` and `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf` set.
"""

from functools import partial

from instrumentation.export.batch_exporter import BatchExporter
from instrumentation.export.export_error import ExportError
from instrumentation.export.export_limits import ExportLimits
from instrumentation.export.export_warning import RateLimitedWarning
from instrumentation.export.otlp_client import OtlpClient
from instrumentation.export.otlp_conversion import RedactText, to_otlp_span
from instrumentation.export.span_queue import DeliveryStats
from patches.opentelemetry.otlp_processor import otlp_processor_patch
from patches.patch import Patch

__all__ = [
    "BatchExporter",
    "DeliveryStats",
    "ExportError",
    "ExportLimits",
    "OtlpClient",
    "otlp_export_patch",
    "to_otlp_span",
]


def otlp_export_patch(redact_text: RedactText = str) -> Patch:
    """Send what MLflow stores to the receiver that the environment names, if it names one.

    Spans are sent as they left the outlet. The tags and the session of a trace do not pass it:
    they go through `clean`.
    """
    report = RateLimitedWarning()
    dressed = partial(to_otlp_span, redact_text=redact_text)
    return otlp_processor_patch(
        lambda: BatchExporter(OtlpClient, dressed, report, ExportLimits.from_environment())
    )

"""Send spans to the OTLP endpoint set in OpenTelemetry's environment variables, if one is set.

    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318/v1/traces

An endpoint that is down, slow or misconfigured is reported in one log line and never blocks the
program. The patch is part of `enable_tracing`. To use it alone, `with apply_patches(
otlp_export_patch()): …`, also set `MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT=true` and
`OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`.
"""

from functools import partial

from instrumentation.export.batch_exporter import BatchExporter
from instrumentation.export.export_error import RateLimitedWarning
from instrumentation.export.export_limits import ExportLimits
from instrumentation.export.otlp_client import OtlpClient
from instrumentation.export.otlp_conversion import RedactText, to_otlp_span
from patches.opentelemetry.otlp_processor import otlp_processor_patch
from patches.patch import Patch


def otlp_export_patch(redact_text: RedactText = str) -> Patch:
    """Export the spans that MLflow stores.

    Args:
        redact_text: Redacts the tags and the session of a trace, which do not pass the span
            pipeline. Spans are already redacted there.
    """
    warn = RateLimitedWarning()
    convert = partial(to_otlp_span, redact_text=redact_text)
    return otlp_processor_patch(
        lambda: BatchExporter(OtlpClient, convert, warn, ExportLimits.from_environment())
    )

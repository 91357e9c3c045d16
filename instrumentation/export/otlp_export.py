"""Export: finished spans sent over OTLP, beside the store that MLflow keeps them in.

OpenTelemetry's environment variables turn it on, as MLflow reads them:

    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318/v1/traces

A receiver that is down, slow or wrong is reported in one line, and is nothing that the program
waits for. It works in `traced`, and by itself: `with applied(export()): …`, with
`MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT=true` and `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf` set.
"""

from functools import partial

from instrumentation.export.batch_exporter import Courier
from instrumentation.export.export_error import Refused
from instrumentation.export.export_limits import Bounds
from instrumentation.export.export_warning import Report
from instrumentation.export.otlp_client import Receiver
from instrumentation.export.otlp_conversion import Clean, outward
from instrumentation.export.span_queue import Count
from patches.opentelemetry.otlp_processor import otlp_processor
from patches.patch import Patch

__all__ = ["Bounds", "Count", "Courier", "Receiver", "Refused", "export", "outward"]


def export(clean: Clean = str) -> Patch:
    """Send what MLflow stores to the receiver that the environment names, if it names one.

    Spans are sent as they left the outlet. The tags and the session of a trace do not pass it:
    they go through `clean`.
    """
    report = Report()
    dressed = partial(outward, clean=clean)
    return otlp_processor(lambda: Courier(Receiver, dressed, report, Bounds.of()))

"""Send finished spans to an OTLP endpoint, in addition to MLflow's store."""

from instrumentation.export.batch_exporter import BatchExporter
from instrumentation.export.export_error import ExportError
from instrumentation.export.export_limits import ExportLimits
from instrumentation.export.otlp_client import OtlpClient
from instrumentation.export.otlp_conversion import to_otlp_span
from instrumentation.export.otlp_export import otlp_export_patch
from instrumentation.export.span_queue import DeliveryStats

__all__ = [
    "BatchExporter",
    "DeliveryStats",
    "ExportError",
    "ExportLimits",
    "OtlpClient",
    "otlp_export_patch",
    "to_otlp_span",
]

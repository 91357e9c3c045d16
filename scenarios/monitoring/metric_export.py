"""Export metrics over OTLP, and to a Prometheus that reads them from a port of this machine."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
SERVICE_NAME = "flight-recorder"
INSTALL_COMMAND = 'pip install "agent-flight-recorder[monitor]"'


class MetricExportError(Exception):
    """Metrics cannot be exported as asked."""


@contextmanager
def metric_export(prometheus_port: int | None = None) -> Generator["MeterProvider"]:
    """Yield a meter provider that exports over OTLP if a variable of OpenTelemetry says where to.

    Args:
        prometheus_port: Also serve the metrics for Prometheus at this port of 127.0.0.1.

    Raises:
        MetricExportError: The port is taken, or the extra `monitor` is not installed.
    """
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    readers: list[MetricReader] = []
    if any(os.environ.get(name) for name in ENDPOINT_VARIABLES):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    with _serve_prometheus(prometheus_port) as prometheus_readers:
        provider = MeterProvider(
            [*readers, *prometheus_readers],
            Resource.create({"service.name": SERVICE_NAME}),
            shutdown_on_exit=False,
        )
        try:
            yield provider
        finally:
            provider.shutdown()


@contextmanager
def _serve_prometheus(port: int | None) -> Generator[list["MetricReader"]]:
    if port is None:
        yield []
        return
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader
        from prometheus_client import start_http_server
    except ImportError as error:
        raise MetricExportError(f"--metrics-port needs {error.name}: {INSTALL_COMMAND}") from error
    try:
        server, thread = start_http_server(port, addr="127.0.0.1")
    except (OSError, OverflowError) as error:
        raise MetricExportError(
            f"--metrics-port: port {port} of 127.0.0.1 cannot be used: {error}"
        ) from error
    try:
        yield [PrometheusMetricReader()]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

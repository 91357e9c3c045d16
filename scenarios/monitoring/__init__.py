"""Watch a trace store: score a sample of its traces, evaluate alerts, and export metrics."""

from scenarios.monitoring.monitor import Monitor, MonitorPass

__all__ = ["Monitor", "MonitorPass"]

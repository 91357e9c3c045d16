"""Check a trace store again and again; print each check, and call a webhook when alerts change."""

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import typer

from scenarios.monitoring.monitor import Monitor, MonitorPass
from scenarios.monitoring.webhook import WebhookDeliveryError, post_alerts
from scenarios.traces.store.tracking_uri import StoreUnavailableError, translate_store_errors


@dataclass
class MonitorLoop:
    """Runs the passes of a monitor.

    Attributes:
        webhook: Called when other alerts are firing than in the pass before.
        as_json: Print a pass as JSON, on one line.
    """

    monitor: Monitor
    webhook: str | None
    as_json: bool
    _firing: frozenset[str] = frozenset()

    def run_pass(self) -> MonitorPass:
        """Run a pass, and print it. Raises `StoreUnavailableError`."""
        with translate_store_errors():
            seen = self.monitor.run_pass()
        typer.echo(json.dumps(seen.to_json()) if self.as_json else f"{_clock()} {seen.summary()}")
        if self.webhook and seen.firing != self._firing:
            try:
                post_alerts(self.webhook, seen.gate)
            except WebhookDeliveryError as error:
                typer.echo(f"error: {error}", err=True)
        self._firing = seen.firing
        return seen

    def run_passes(self, every: timedelta) -> None:
        """Run passes until the process is interrupted. A store that is away is tried again."""
        while True:
            started_s = time.monotonic()
            try:
                self.run_pass()
            except StoreUnavailableError as error:
                typer.echo(f"{_clock()} {error}; next pass in {every}", err=True)
            time.sleep(max(0.0, every.total_seconds() - (time.monotonic() - started_s)))


def _clock() -> str:
    return f"{datetime.now():%H:%M:%S}"

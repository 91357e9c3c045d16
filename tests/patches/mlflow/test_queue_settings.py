"""A limit that an environment variable sets wrongly is named, and nothing is lost."""

import mlflow
import pytest

from instrumentation.tracing import enable_tracing, record_run
from patches.mlflow.export_queue.queue_settings import (
    EXPORT_QUEUE_BYTES,
    RETRY_QUEUE_BYTES,
    STORE_TIMEOUT_S,
    NumberSetting,
)

SETTINGS = (EXPORT_QUEUE_BYTES, RETRY_QUEUE_BYTES, STORE_TIMEOUT_S)


@pytest.mark.parametrize("text", ["abc", "1e400", "nan", "-1", "10 s"])
def test_a_wrong_limit_is_named_once_and_the_run_is_stored(
    text: str, store: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in SETTINGS:
        monkeypatch.setenv(setting.variable, text)
    with enable_tracing(store, frameworks=()), record_run() as run, mlflow.start_span("work"):
        pass
    assert len(run.traces()) == 1
    warnings = [record.message for record in caplog.records if "FLIGHT_RECORDER_" in record.message]
    assert sorted(warnings) == sorted(
        f"{setting.variable} is {text!r}, which is no number from 0: {setting.default} is used"
        for setting in SETTINGS
    )


@pytest.mark.parametrize(
    ("text", "number"), [("", 10.0), (" ", 10.0), ("0", 0.0), (" 2.5 ", 2.5), ("1e3", 1000.0)]
)
def test_a_number_is_used_and_nothing_is_the_default(
    text: str, number: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_LIMIT", text)
    assert NumberSetting("A_LIMIT", 10.0).read() == number

"""No message shows the credentials of a store's address, however they are written."""

import logging

import mlflow
import pytest

from instrumentation.tracing import enable_tracing
from patches.mlflow.store.store_address import hide_credentials
from scenarios.traces.store.tracking_uri import StoreUnavailableError, require_reachable

ADDRESSES = {
    "postgresql://ann:p@ssSECRET@{}/d": "postgresql://{}/d",
    "postgresql://ann:SECRET/SECRET@{}/d": "postgresql://{}/d",
    "postgresql+psycopg://ann:p@a/b@SECRET@{}/d": "postgresql+psycopg://{}/d",
    "postgresql://ann:SECRET?#SECRET@{}/d": "postgresql://{}/d",
    "postgresql://ann:SECRET SECRET@{}/d": "postgresql://{}/d",
    "postgresql://{}/d?user=ann&password=SECRET": "postgresql://{}/d?user=ann&password=***",
    "postgresql://{}/d?sslpassword=SECRET&x=1": "postgresql://{}/d?sslpassword=***&x=1",
    "mysql+pymysql://SECRET@{}": "mysql+pymysql://{}",
    "http://ann:SECRET@{}": "http://{}",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_visible_without_its_credentials(address: str) -> None:
    visible = ADDRESSES[address].format("h.example:5432")
    assert hide_credentials(f"at {address.format('h.example:5432')}", "") == f"at {visible}"


@pytest.mark.parametrize(
    "text", ["host=h password=SECRET dbname=d", "password = 'SE\\'CRET SECRET'"]
)
def test_a_connection_string_is_visible_without_its_password(text: str) -> None:
    assert "SECRET" not in hide_credentials(text, "")
    assert "CRET" not in hide_credentials(text, "")


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_unreachable_store_is_named_without_its_credentials(address: str) -> None:
    with pytest.raises(StoreUnavailableError) as error:
        require_reachable(address.format("127.0.0.1:9"))
    assert "nothing answers at 127.0.0.1:9" in str(error.value)
    assert "SECRET" not in str(error.value)


@pytest.mark.parametrize("text", ["http://h.example/a and ann is at home", "sqlite:///mlflow.db"])
def test_an_address_without_credentials_stays(text: str) -> None:
    assert hide_credentials(text, "") == text


def test_an_outage_is_logged_without_the_credentials_of_the_store(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = "http://ann:p@SECRET/SECRET@127.0.0.1:9"
    with (
        caplog.at_level(logging.WARNING),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        patch.setenv("FLIGHT_RECORDER_STORE_TIMEOUT_S", "0.5")
        with enable_tracing(store, frameworks=()), mlflow.start_span("s"):
            pass
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "SECRET" not in text
    assert "127.0.0.1:9" in text

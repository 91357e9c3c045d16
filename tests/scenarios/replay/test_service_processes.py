"""Real services in their own processes, with requests forwarded by the replay server."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no annotations
import pytest

from scenarios.replay.faults import (
    Fault,
    drops_connection,
    malformed_reply,
    rate_limited,
    slow,
    unavailable,
)
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import replay_tape
from scenarios.replay.service_processes import (
    ServiceProcesses,
    ServiceUnavailableError,
    run_services,
)
from tests.support.tapes import make_tape, reply_line, service_line

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("forked_programs")]

FACTS = {"q": "highest point", "country": "FRA"}


@pytest.fixture(scope="module")
def services(store: str) -> Iterator[ServiceProcesses]:
    with run_services({"index": ()}, store) as processes:
        yield processes


def get(url: str, **query: str) -> httpx.Response:
    return httpx.get(url, params=query, trust_env=False)


def test_a_lane_is_forwarded_to_its_service(services: ServiceProcesses) -> None:
    with replay_tape(make_tape(), service_urls=services.addresses) as replay:
        forwarded = get(f"{replay.service_url('index')}/search", **FACTS)
    direct = get(f"{services.addresses['index']}/search", **FACTS)
    assert forwarded.json() == direct.json()
    assert forwarded.headers["content-type"] == direct.headers["content-type"]


def test_forwarded_requests_are_logged_in_the_ledger(services: ServiceProcesses) -> None:
    with replay_tape(make_tape(), service_urls=services.addresses) as replay:
        get(f"{replay.service_url('index')}/search", **FACTS)
        get(f"{replay.service_url('index')}/search")
        answered, refused = replay.ledger.exchanges
    assert (answered.lane, answered.call, answered.path) == ("index", 1, "/search")
    assert (answered.status, answered.delivered) == (200, True)
    assert (refused.call, refused.status) == (2, 400)


def test_the_query_is_forwarded_unchanged(services: ServiceProcesses) -> None:
    with replay_tape(make_tape(), service_urls=services.addresses) as replay:
        refused = get(f"{replay.service_url('index')}/search", q="é&ü=%", country="a/b c")
    assert refused.json()["error"].startswith("country 'a/b c' is not a code")


def test_other_lanes_are_served_from_the_tape(services: ServiceProcesses) -> None:
    tape = make_tape(
        service_line("tavily", "/search", {"results": []}), reply_line("searcher", "yes")
    )
    with replay_tape(tape, service_urls=services.addresses) as replay:
        assert httpx.post(f"{replay.url}/search", json={}, trust_env=False).json() == {
            "results": []
        }
        assert get(f"{replay.service_url('index')}/search", **FACTS).json()["results"]
        assert [exchange.lane for exchange in replay.ledger.exchanges] == ["tavily", "index"]


@pytest.mark.parametrize(
    ("fault", "status"), [(unavailable("index"), 503), (rate_limited("index"), 429)]
)
def test_a_fault_applies_before_the_request_is_forwarded(
    services: ServiceProcesses, fault: Fault, status: int
) -> None:
    with replay_tape(make_tape(), [fault], service_urls=services.addresses) as replay:
        assert get(f"{replay.service_url('index')}/search", **FACTS).status_code == status
        (exchange,) = replay.ledger.exchanges
    assert (exchange.status, exchange.delivered) == (status, False)


def test_a_slow_lane_is_forwarded_late(services: ServiceProcesses) -> None:
    with replay_tape(
        make_tape(), [slow("index", delay_s=0.3)], service_urls=services.addresses
    ) as replay:
        assert get(f"{replay.service_url('index')}/search", **FACTS).status_code == 200
        (exchange,) = replay.ledger.exchanges
    assert exchange.ended_ms is not None
    assert exchange.ended_ms - exchange.started_ms >= 300


def test_a_forwarded_lane_can_drop_the_connection(services: ServiceProcesses) -> None:
    with replay_tape(
        make_tape(), [drops_connection("index")], service_urls=services.addresses
    ) as replay:
        with pytest.raises(httpx.RemoteProtocolError):
            get(f"{replay.service_url('index')}/search", **FACTS)
        assert get(f"{replay.service_url('index')}/search", **FACTS).status_code == 200


def test_a_fault_that_damages_a_taped_reply_is_rejected_for_a_forwarded_lane(
    services: ServiceProcesses,
) -> None:
    with (
        pytest.raises(ValueError, match="malformed at call 1 of index: this fault can only damage"),
        replay_tape(make_tape(), [malformed_reply("index")], service_urls=services.addresses),
    ):
        pass


def test_a_service_that_has_ended_breaks_the_connection() -> None:
    nowhere = {"index": "http://127.0.0.1:9"}
    with replay_tape(make_tape(), service_urls=nowhere) as replay:
        with pytest.raises(httpx.RemoteProtocolError):
            get(f"{replay.service_url('index')}/search", **FACTS)
        (lost,) = replay.ledger.exchanges
    assert (lost.status, lost.delivered) == (None, False)
    assert isinstance(lost, Exchange)


def test_a_service_that_does_not_start_is_reported_with_its_output(store: str) -> None:
    with (
        pytest.raises(
            ServiceUnavailableError, match=r"(?s)index did not start \(exit code 2\).*--nonsense"
        ),
        run_services({"index": ("--nonsense",)}, store),
    ):
        pass


def test_a_service_that_does_not_exist_is_reported(store: str) -> None:
    with (
        pytest.raises(ServiceUnavailableError, match=r"No module named workflows\.services\.indx"),
        run_services({"indx": ()}, store),
    ):
        pass


def test_a_service_that_was_killed_is_reported_when_it_is_flushed(store: str) -> None:
    with run_services({"index": ()}, store) as processes:
        os.kill(_pid_of(processes), signal.SIGKILL)
        with pytest.raises(
            ServiceUnavailableError, match=r"index at .* is not running; its last spans are lost"
        ):
            processes.flush()


def test_services_are_stopped_when_the_block_ends(store: str) -> None:
    address = ""

    def fail_inside_the_block() -> None:
        nonlocal address
        with run_services({"index": ()}, store) as processes:
            address = processes.addresses["index"]
            assert get(f"{address}/health").status_code == 200
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside_the_block()
    with pytest.raises(httpx.ConnectError):
        get(f"{address}/health")


def test_two_services_can_start_at_once_with_a_new_store(tmp_path: Path) -> None:
    with run_services(
        {"index": (), "archive": ()}, f"sqlite:///{tmp_path / 'new.db'}"
    ) as processes:
        assert set(processes.addresses) == {"index", "archive"}


def test_an_invalid_address_is_reported_when_it_is_flushed() -> None:
    with pytest.raises(
        ServiceUnavailableError, match=r"index at http://127\.0\.0\.1:port is not running"
    ):
        ServiceProcesses({"index": "http://127.0.0.1:port"}).flush()


def _pid_of(processes: ServiceProcesses) -> int:
    port = httpx.URL(processes.addresses["index"]).port
    (pid,) = (
        child.pid
        for child in psutil.Process().children(recursive=True)
        if any(found.laddr.port == port for found in child.net_connections("tcp"))
    )
    return int(pid)


def test_services_can_be_started_from_any_folder(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with run_services({"index": ()}, store) as processes:
        assert get(f"{processes.addresses['index']}/health").status_code == 200

"""Processes: real services behind the replay server, started and ended by the player."""

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

pytestmark = pytest.mark.long

FACTS = {"q": "highest point", "country": "FRA"}


@pytest.fixture(scope="module")
def up(store: str) -> Iterator[ServiceProcesses]:
    with run_services({"index": ()}, store) as processes:
        yield processes


def get(url: str, **asked: str) -> httpx.Response:
    return httpx.get(url, params=asked, trust_env=False)


def test_a_lane_is_forwarded_to_its_service(up: ServiceProcesses) -> None:
    with replay_tape(make_tape(), service_urls=up.addresses) as replay:
        forwarded = get(f"{replay.service_url('index')}/search", **FACTS)
    direct = get(f"{up.addresses['index']}/search", **FACTS)
    assert forwarded.json() == direct.json()
    assert forwarded.headers["content-type"] == direct.headers["content-type"]


def test_what_is_forwarded_stands_in_the_ledger(up: ServiceProcesses) -> None:
    with replay_tape(make_tape(), service_urls=up.addresses) as replay:
        get(f"{replay.service_url('index')}/search", **FACTS)
        get(f"{replay.service_url('index')}/search")
        answered, refused = replay.ledger.exchanges
    assert (answered.lane, answered.call, answered.path) == ("index", 1, "/search")
    assert (answered.status, answered.delivered) == (200, True)
    assert (refused.call, refused.status) == (2, 400)


def test_the_query_arrives_as_it_was_sent(up: ServiceProcesses) -> None:
    with replay_tape(make_tape(), service_urls=up.addresses) as replay:
        refused = get(f"{replay.service_url('index')}/search", q="é&ü=%", country="a/b c")
    assert refused.json()["error"].startswith("country 'a/b c' is no code")


def test_the_lines_of_a_tape_are_played_beside_it(up: ServiceProcesses) -> None:
    taped = make_tape(
        service_line("tavily", "/search", {"results": []}), reply_line("searcher", "yes")
    )
    with replay_tape(taped, service_urls=up.addresses) as replay:
        assert httpx.post(f"{replay.url}/search", json={}, trust_env=False).json() == {
            "results": []
        }
        assert get(f"{replay.service_url('index')}/search", **FACTS).json()["results"]
        assert [exchange.lane for exchange in replay.ledger.exchanges] == ["tavily", "index"]


@pytest.mark.parametrize(
    ("fault", "status"), [(unavailable("index"), 503), (rate_limited("index"), 429)]
)
def test_a_fault_strikes_before_the_service_is_asked(
    up: ServiceProcesses, fault: Fault, status: int
) -> None:
    with replay_tape(make_tape(), [fault], service_urls=up.addresses) as replay:
        assert get(f"{replay.service_url('index')}/search", **FACTS).status_code == status
        (struck,) = replay.ledger.exchanges
    assert (struck.status, struck.delivered) == (status, False)


def test_a_slow_lane_is_forwarded_late(up: ServiceProcesses) -> None:
    with replay_tape(
        make_tape(), [slow("index", delay_s=0.3)], service_urls=up.addresses
    ) as replay:
        assert get(f"{replay.service_url('index')}/search", **FACTS).status_code == 200
        (late,) = replay.ledger.exchanges
    assert late.ended_ms is not None
    assert late.ended_ms - late.started_ms >= 300


def test_a_dropped_connection_is_the_faults(up: ServiceProcesses) -> None:
    with replay_tape(make_tape(), [drops_connection("index")], service_urls=up.addresses) as replay:
        with pytest.raises(httpx.RemoteProtocolError):
            get(f"{replay.service_url('index')}/search", **FACTS)
        assert get(f"{replay.service_url('index')}/search", **FACTS).status_code == 200


def test_a_fault_of_a_taped_reply_is_refused_for_a_lane_that_is_forwarded(
    up: ServiceProcesses,
) -> None:
    with (
        pytest.raises(ValueError, match="malformed at call 1 of index: it can strike only"),
        replay_tape(make_tape(), [malformed_reply("index")], service_urls=up.addresses),
    ):
        pass


def test_a_service_that_is_gone_breaks_the_connection() -> None:
    nobody = {"index": "http://127.0.0.1:9"}
    with replay_tape(make_tape(), service_urls=nobody) as replay:
        with pytest.raises(httpx.RemoteProtocolError):
            get(f"{replay.service_url('index')}/search", **FACTS)
        (lost,) = replay.ledger.exchanges
    assert (lost.status, lost.delivered) == (None, False)
    assert isinstance(lost, Exchange)


def test_a_service_that_does_not_come_up_is_told_with_what_it_said(store: str) -> None:
    with (
        pytest.raises(
            ServiceUnavailableError, match=r"(?s)index did not come up \(exit code 2\).*--nonsense"
        ),
        run_services({"index": ("--nonsense",)}, store),
    ):
        pass


def test_a_service_that_is_not_there_is_told(store: str) -> None:
    with (
        pytest.raises(ServiceUnavailableError, match=r"No module named workflows\.services\.indx"),
        run_services({"indx": ()}, store),
    ):
        pass


def test_one_that_dies_meanwhile_is_told_when_its_spans_are_wanted(store: str) -> None:
    with run_services({"index": ()}, store) as processes:
        os.kill(_pid_of(processes), signal.SIGKILL)
        with pytest.raises(
            ServiceUnavailableError, match=r"index is gone from .*, and its spans are lost"
        ):
            processes.flush()


def test_all_are_ended_with_the_block(store: str) -> None:
    address = ""

    def play() -> None:
        nonlocal address
        with run_services({"index": ()}, store) as processes:
            address = processes.addresses["index"]
            assert get(f"{address}/health").status_code == 200
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        play()
    with pytest.raises(httpx.ConnectError):
        get(f"{address}/health")


def test_two_may_begin_at_once_in_a_store_that_is_new(tmp_path: Path) -> None:
    with run_services(
        {"index": (), "archive": ()}, f"sqlite:///{tmp_path / 'new.db'}"
    ) as processes:
        assert set(processes.addresses) == {"index", "archive"}


def test_an_address_that_is_none_has_no_spans_to_store() -> None:
    with pytest.raises(
        ServiceUnavailableError, match=r"index is gone from http://127\.0\.0\.1:port"
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


def test_they_can_be_started_from_any_folder(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with run_services({"index": ()}, store) as processes:
        assert get(f"{processes.addresses['index']}/health").status_code == 200

"""A program is recorded and replayed in the modes of vcrpy, and never loses an existing tape."""

from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from scenarios.programs.endpoints import InvalidServiceError
from scenarios.programs.use_tape import TapeMode, TapeSession, use_tape
from scenarios.tape.tape import Tape, TapeError
from tests.support.live_endpoint import live_endpoint
from tests.support.tapes import MODEL, reply_line, service_line, user_message

KEY = "sk-a-key-that-no-tape-may-contain"
NOWHERE = "http://127.0.0.1:1"


def ask(base_url: str, text: str) -> str | None:
    """Send a question as a program that names no agent does."""
    with openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0) as client:
        reply = client.chat.completions.create(model=MODEL, messages=user_message(text))
    return reply.choices[0].message.content


def record(path: Path, *questions: str, mode: TapeMode = "all", answer: str = "yes") -> TapeSession:
    """Record the answers to some questions on a tape."""
    lines = [reply_line("x", f"{answer} {question}", question) for question in questions]
    with live_endpoint(*lines) as live, use_tape(path, mode, live.base_url) as session:
        for question in questions:
            assert ask(session.base_url, question) == f"{answer} {question}"
    return session


def answers_on(path: Path) -> list[str]:
    """Return the texts of the answers on a tape."""
    responses: list[Any] = [line.response for line in Tape.load(path).lines]
    return [one["body"]["choices"][0]["message"]["content"] for one in responses]


def test_a_missing_tape_is_recorded_once_and_then_replayed(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "tape.jsonl"
    assert record(path, "a", "b", mode="once").recorded == 2
    with use_tape(path, "once", NOWHERE) as session:
        assert [ask(session.base_url, text) for text in "ab"] == ["yes a", "yes b"]
    assert not session.is_recording
    assert (session.refusals, session.unplayed_lines, session.recorded) == ((), (), 0)
    assert [file.name for file in path.parent.iterdir()] == ["tape.jsonl"]


def test_mode_none_needs_a_tape_and_refuses_what_is_not_on_it(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    with pytest.raises(TapeError, match=r"there is no such tape.*scenarios record --tape"):
        use_tape(path).__enter__()
    record(path, "a")
    with use_tape(path) as session, pytest.raises(openai.UnprocessableEntityError):
        ask(session.base_url, "b")
    assert len(session.refusals) == len(session.unplayed_lines) == 1


def test_new_episodes_replays_the_tape_and_records_the_rest_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    record(path, "a", "b")
    with live_endpoint(reply_line("x", "new c", "c")) as live:
        with use_tape(path, "new_episodes", live.base_url) as session:
            got = [ask(session.base_url, text) for text in "acb"]
        assert len(live.ledger.exchanges) == 1
    assert got == ["yes a", "new c", "yes b"]
    assert (session.recorded, session.refusals, session.unplayed_lines) == (1, (), ())
    assert answers_on(path) == ["yes a", "yes b", "new c"]


def test_mode_all_replaces_the_tape_when_the_program_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    record(path, "a", "b")
    record(path, "a", answer="no")
    assert answers_on(path) == ["no a"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failed_program_leaves_the_existing_tape_and_its_recording_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tape.jsonl"
    record(path, "a")
    before = path.read_bytes()
    sessions = []

    def fail(upstream: str) -> None:
        with use_tape(path, "all", upstream) as session:
            sessions.append(session)
            ask(session.base_url, "a")
            raise RuntimeError

    with live_endpoint(reply_line("x", "no a")) as live, pytest.raises(RuntimeError):
        fail(live.base_url)
    (session,) = sessions
    assert path.read_bytes() == before
    assert session.finished is not None
    assert session.finished.path != path
    assert answers_on(session.finished.path) == ["no a"]


def test_a_recording_without_exchanges_leaves_the_existing_tape(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    record(path, "a")
    before = path.read_bytes()
    with use_tape(path, "all", NOWHERE):
        pass
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_tape_that_is_written_while_it_is_recorded_is_left_and_so_is_the_recording(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tape.jsonl"

    def record_twice(upstream: str) -> None:
        with use_tape(path, "once", upstream) as session:
            ask(session.base_url, "a")
            record(path, "b", mode="once")

    with (
        live_endpoint(reply_line("x", "yes a")) as live,
        pytest.raises(TapeError, match="was written by something else while it was recorded"),
    ):
        record_twice(live.base_url)
    (partial,) = tmp_path.glob("*.partial")
    assert (answers_on(path), answers_on(partial)) == (["yes b"], ["yes a"])


def test_a_tape_with_a_byte_order_mark_is_extended(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    record(path, "a")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    record(path, "b", mode="new_episodes")
    assert answers_on(path) == ["yes a", "yes b"]


def test_nothing_is_recorded_through_a_symbolic_link(tmp_path: Path) -> None:
    path, link = tmp_path / "tape.jsonl", tmp_path / "link.jsonl"
    record(path, "a")
    link.symlink_to(path)
    with pytest.raises(TapeError, match=f"is a symbolic link; name the tape itself: {path}"):
        record(link, "b")
    assert answers_on(link) == ["yes a"]


def test_other_paths_of_the_api_and_forms_are_replayed_at_their_address(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"

    def run(base_url: str) -> list[Any]:
        server = base_url.removesuffix("/v1")
        sent = [
            httpx.post(f"{base_url}/audio/transcriptions", files={"file": ("a.wav", b"RIFF")}),
            httpx.post(f"{base_url}/models/predict", json={}),
            httpx.get(f"{base_url}/models/some-model"),
            httpx.post(f"{server}/v1beta/x", json={}),
        ]
        return [one.raise_for_status().json() for one in sent]

    with (
        live_endpoint(
            service_line("x", "/api/v1/audio/transcriptions", "hello"),
            service_line("x", "/api/v1/models/predict", 1),
            service_line("x", "/api/v1/models/some-model", {"id": "some-model"}, method="GET"),
            service_line("x", "/v1beta/x", 2),
        ) as live,
        use_tape(path, "all", f"{live.url}/api/v1") as session,
    ):
        recorded = run(session.base_url)
    assert [line.path for line in Tape.load(path).lines] == [
        "/audio/transcriptions",
        "/models/predict",
        "/v1beta/x",
    ]
    with use_tape(path) as session:
        replayed = run(session.base_url)
    assert replayed[:2] + replayed[3:] == recorded[:2] + recorded[3:]
    assert replayed[2]["id"] == recorded[2]["id"] == "some-model"
    assert (session.unplayed_lines, session.refusals) == ((), ())


def test_services_and_azure_are_recorded_and_replayed_at_the_same_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tape.jsonl"
    chat = {"messages": user_message("hello")}
    requests = {
        "OPENAI_BASE_URL": ("/chat/completions", chat),
        "AZURE_OPENAI_ENDPOINT": (
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
            chat,
        ),
        "TAVILY_BASE_URL": ("/search", {"query": "x"}),
        "GEO_DATA_BASE_URL": ("/search?place=Quito", None),
    }

    def run(environment: dict[str, str]) -> list[Any]:
        def send(variable: str) -> httpx.Response:
            target, body = requests[variable]
            url, headers = environment[variable] + target, {"api-key": KEY}
            return (
                httpx.post(url, json=body, headers=headers)
                if body
                else httpx.get(url, headers=headers)
            )

        responses = [send(variable) for variable in requests]
        assert [one.status_code for one in responses] == [200] * 4
        return [one.json() for one in responses]

    with (
        live_endpoint(reply_line("x", "from openai")) as live,
        live_endpoint(reply_line("x", "from azure")) as azure,
        live_endpoint(service_line("x", "/search", {"found": "by tavily"})) as tavily,
        live_endpoint(service_line("x", "/api/search", {"found": "by geo"}, method="GET")) as geo,
    ):
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", azure.url)
        services = {"tavily": tavily.url, "geo-data": f"{geo.url}/api"}
        with use_tape(path, "all", live.base_url, services=services) as session:
            recorded = run(session.environment())
    monkeypatch.delenv("AZURE_OPENAI_ENDPOINT")
    for key in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "TAVILY_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    with use_tape(path) as session:
        environment = session.environment()
        assert run(environment) == recorded
    assert {environment[key] for key in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY")} == {"taped"}
    assert (session.unplayed_lines, session.refusals) == ((), ())
    assert {line.lane for line in Tape.load(path).lines} == {"agent-1", "tavily", "geo-data"}
    assert KEY not in path.read_text()


@pytest.mark.parametrize(
    ("upstream", "services", "message"),
    [
        ("api.openai.com", {}, "upstream: 'api.openai.com' does not begin with http"),
        (None, {"Tavily": NOWHERE}, "small letters"),
        (None, {"v1": NOWHERE}, "small letters"),
        ("http://", {}, "upstream: 'http://' names no host"),
        ("http://[", {}, r"upstream: 'http://\[' is not a URL"),
        ("http://127.0.0.1:x/v1", {}, "is not a URL: Invalid port"),
        (f"ftp://user:{KEY}@host", {}, "upstream: 'ftp://host' does not begin with http"),
        (None, {"weather": "http://h\nX: y"}, "weather: .* is not a URL"),
        (None, {"azure": "my-resource"}, "azure: 'my-resource' does not begin with http"),
    ],
)
def test_an_address_that_cannot_be_used_is_an_error(
    upstream: str | None, services: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidServiceError, match=message):
        use_tape(tmp_path / "tape.jsonl", "all", upstream, services=services).__enter__()
    assert list(tmp_path.iterdir()) == []

"""AutoGen runs with unusual events: early stops, threads, concurrency, caches, leaked keys."""

import asyncio
import socket
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from autogen_agentchat.base import TaskResult
from autogen_agentchat.messages import TextMessage
from autogen_core.models import UserMessage
from autogen_ext.models.cache import ChatCompletionCache

from instrumentation.recording.handoffs import efficiency_score
from instrumentation.tracing import enable_tracing, record_run
from patches.support.turn import message_from_autogen
from scenarios.replay.faults import cuts_stream, unavailable
from tests.support.autogen_agents import (
    API_KEY,
    agent,
    chain,
    client,
    load_trace,
    replay_lines,
    reply_line,
    tool_calls_line,
    trace_outline,
)


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


@pytest.mark.usefixtures("recording")
async def test_stopping_after_the_result_is_no_error(tmp_path: Path) -> None:
    with (
        replay_lines(tmp_path, reply_line("a", "one"), reply_line("b", "two")) as replay,
        record_run() as run,
    ):
        async for item in chain(agent(replay, "a"), agent(replay, "b")).run_stream(task="x"):
            if isinstance(item, TaskResult):
                break
        await asyncio.sleep(0.05)  # the event loop closes the abandoned stream
    trace = load_trace(run)
    assert {span.status for span in trace} == {"OK"}
    assert trace.root.outputs["message"]["content"] == "two"


@pytest.mark.usefixtures("recording")
async def test_spans_of_a_tool_in_a_thread_are_in_the_same_trace(tmp_path: Path) -> None:
    def look(place: str) -> str:
        """Look into a place."""
        assert threading.current_thread() is not threading.main_thread()
        with mlflow.start_span("seen"):
            return f"{place} is empty"

    line = tool_calls_line("a", ("look", {"place": "the box"}))
    with replay_lines(tmp_path, line) as replay, record_run() as run:
        await agent(replay, "a", tools=[look]).run(task="x")
    assert trace_outline(load_trace(run))[2:] == ["  look TOOL OK", "    seen UNKNOWN OK"]


@pytest.mark.usefixtures("recording")
async def test_a_failure_is_not_attributed_to_a_concurrent_agent(tmp_path: Path) -> None:
    """A tool runs two agents: one fails at once, the other one succeeds later."""
    lines = [
        tool_calls_line("a", ("both", {})),
        reply_line("quick", "unused"),
        reply_line("slow", "well done"),
    ]
    with (
        replay_lines(tmp_path, *lines, faults=[unavailable("quick")]) as replay,
        record_run() as run,
    ):
        tasks: list[asyncio.Task[Any]] = []

        async def both() -> str:
            """Run two agents."""
            workers = agent(replay, "slow"), agent(replay, "quick")
            tasks.extend(asyncio.ensure_future(one.run(task="go")) for one in workers)
            await asyncio.gather(*tasks)
            return "unreached"

        with mlflow.start_span("root"):
            await agent(replay, "a", tools=[both]).run(task="x")
            await asyncio.wait(tasks)
    (slow,) = load_trace(run).turns("slow")
    assert (slow.status, slow.outputs["content"]) == ("OK", "well done")


@pytest.mark.usefixtures("recording")
async def test_a_stream_that_breaks_off_in_a_tool_call_is_an_error(tmp_path: Path) -> None:
    def look(place: str) -> str:
        """Look into a place."""
        return place

    line = tool_calls_line(
        "a", ("look", {"place": "a box whose name is long enough for several frames"})
    )
    faults = [cuts_stream("a", after_frame=3, ends_cleanly=True)]
    with replay_lines(tmp_path, line, faults=faults) as replay, record_run() as run:
        await agent(replay, "a", tools=[look], model_client_stream=True).run(task="x")
    completion = load_trace(run).spans_of_type("LLM")[0]
    assert completion.failed
    assert "without a finish reason" in completion.status_message


@pytest.mark.usefixtures("recording")
async def test_tokens_of_a_cached_completion_are_counted_once(tmp_path: Path) -> None:
    question = [UserMessage(content="x", source="user")]
    with replay_lines(tmp_path, reply_line("a", "one")) as replay, record_run() as run:
        cached = ChatCompletionCache(client(replay, "a", stream_options=None))
        with mlflow.start_span("root"):
            for _ in range(2):
                await cached.create(question)
    (exchange,) = replay.ledger.exchanges
    spent = sum(span.tokens.total for span in load_trace(run).spans_of_type("LLM"))
    assert spent == exchange.input_tokens + exchange.output_tokens


@pytest.mark.usefixtures("recording")
async def test_an_api_key_that_the_endpoint_echoes_is_not_stored(tmp_path: Path) -> None:
    """Some endpoints answer 401 and repeat the authorization header in the message."""
    with socket.create_server(("127.0.0.1", 0)) as listening, record_run() as run:

        def respond() -> None:
            connection, _ = listening.accept()
            with connection:
                request = connection.recv(65536).decode()
                header = next(
                    line for line in request.split("\r\n") if line.lower().startswith("auth")
                )
                body = f'{{"error": {{"message": "bad key: {header}"}}}}'
                head = f"HTTP/1.1 401 Unauthorized\r\ncontent-length: {len(body)}\r\n"
                connection.sendall(f"{head}content-type: application/json\r\n\r\n{body}".encode())

        threading.Thread(target=respond, daemon=True).start()
        with replay_lines(tmp_path, reply_line("a", "x")) as replay:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
            with pytest.raises(Exception, match="bad key"):
                await agent(replay, "a", client={"base_url": url}).run(task="x")
    stored = "".join(trace.to_json() for trace in run.traces())
    assert "bad key" in stored
    assert API_KEY not in stored


def test_the_users_span_processors_stay_active(store: str) -> None:
    def redact(span: Any) -> None:
        span.set_outputs("[redacted]")

    mlflow.tracing.configure(span_processors=[redact])
    try:
        with enable_tracing(store), record_run() as run, mlflow.start_span("root") as span:
            span.set_outputs("a secret")
        with enable_tracing(store):
            assert load_trace(run).root.outputs == "[redacted]"
    finally:
        mlflow.tracing.configure(span_processors=[])


class Unreadable(TextMessage):
    """A user's message class that cannot be converted to text."""

    def to_text(self) -> str:
        raise RuntimeError("no text")


def test_a_message_without_text_does_not_fail_the_run() -> None:
    assert message_from_autogen(Unreadable(content="x", source="a")).content == "<Unreadable>"


@pytest.mark.parametrize(
    ("output", "received", "score"),
    [
        ("法国的首都是巴黎", "他说:法国的首都是巴黎,没错。", 1.0),
        ("法国的首都是巴黎", "日本語のテキスト", 0.0),
        ("caf\u00e9 au lait pour deux", "cafe\u0301 au lait pour deux", 1.0),
        ("👍", "nothing of the kind", 0.0),
        ("👍", "it is 👍 twice", 1.0),
    ],
)
def test_text_in_any_script_is_scored(output: str, received: str, score: float) -> None:
    assert efficiency_score(output, received) == score


async def test_a_run_that_is_under_way_as_tracing_ends_is_recorded(
    tmp_path: Path, store: str
) -> None:
    started = asyncio.Event()

    async def wait() -> str:
        """Wait for something that never happens."""
        started.set()
        await asyncio.Event().wait()
        return "happened"

    with replay_lines(tmp_path, tool_calls_line("a", ("wait", {}))) as replay:
        with enable_tracing(store, frameworks=("autogen",)), record_run() as run:
            task = asyncio.create_task(agent(replay, "a", tools=[wait]).run(task="x"))
            await asyncio.wait_for(started.wait(), timeout=10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    trace = load_trace(run)
    assert trace_outline(trace) == [
        "a AGENT ERROR",
        "  chat_completion LLM OK",
        "  wait TOOL ERROR",
    ]
    assert "tracing was shut down" in trace.root.status_message

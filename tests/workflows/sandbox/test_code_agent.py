"""The lesson of code that a model writes: its trace, the executor, and what the agent is told."""

import json
from pathlib import Path
from typing import Any

import mlflow
import pytest
from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock
from mlflow.entities import Span

from instrumentation import enable_tracing, record_run
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.conftest import find_sandbox
from workflows.code_agent import CodeAgent
from workflows.model import Model
from workflows.support.sandbox import (
    Limits,
    SandboxExecutor,
    SandboxUnavailableError,
    TracedExecutor,
)

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def _skip_without_sandbox(request: pytest.FixtureRequest) -> None:
    if isinstance(reason := find_sandbox(), str):
        pytest.skip(reason)


def python(*lines: str) -> list[CodeBlock]:
    return [CodeBlock(code="\n".join(lines), language="python")]


async def execute(
    store: str, folder: Path, blocks: list[CodeBlock], limits: Limits | None = None
) -> Span:
    """Run blocks in a traced sandbox, and return the span of it."""
    with enable_tracing(store), record_run() as run:
        async with TracedExecutor(SandboxExecutor(folder, limits), folder, "coder") as executor:
            with mlflow.start_span("run", span_type="CHAIN"):
                await executor.execute_code_blocks(blocks, CancellationToken())
    (trace,) = run.traces()
    (span,) = [span for span in trace.data.spans if span.span_type == "TOOL"]
    return span


def attribute(span: Span, name: str) -> Any:
    return span.get_attribute(f"flight_recorder.{name}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run" / "work"
    folder.mkdir(parents=True)
    return folder


async def test_an_execution_is_a_tool_span_with_limits_output_and_files(
    store: str, folder: Path
) -> None:
    (folder / "old.txt").write_text("old")
    code = python("import os", "os.remove('old.txt')", "open('new.txt', 'w').close()", "print(7)")
    span = await execute(store, folder, code)
    assert (span.outputs, span.status.status_code.value) == ("7\n", "OK")
    assert span.get_attribute("process.exit.code") == 0
    assert attribute(span, "code.files_written") == ["new.txt", "old.txt (deleted)"]
    assert attribute(span, "sandbox.backend") in ("unshare", "bwrap")
    assert attribute(span, "sandbox.limit.wall_s") == Limits().wall_s
    assert attribute(span, "sandbox.limit.processes") == Limits().processes


async def test_the_span_names_the_limit_that_ended_the_code(store: str, folder: Path) -> None:
    span = await execute(
        store, folder, python("while True: print('y' * 99)"), Limits(output_bytes=500)
    )
    assert attribute(span, "sandbox.ended_by") == "output_bytes"
    assert span.outputs.endswith("The sandbox stopped the code: it printed more than 500 bytes.")
    assert (
        span.status.description == "The sandbox stopped the code: it printed more than 500 bytes."
    )


async def test_a_secret_in_the_output_is_not_stored(store: str, folder: Path) -> None:
    key = f"sk-proj-{'aB3' * 16}"
    span = await execute(store, folder, python(f"print('key: ' + {key[:20]!r} + {key[20:]!r})"))
    assert key not in json.dumps(span.to_dict())
    assert "[redacted" in span.outputs


async def test_blocks_run_in_order_until_one_fails(store: str, folder: Path) -> None:
    blocks = [*python("print(1)"), *python("raise SystemExit(4)"), *python("print(3)")]
    span = await execute(store, folder, blocks)
    assert (span.outputs, span.get_attribute("process.exit.code")) == ("1\n", 4)


async def test_an_executor_that_was_not_started_runs_nothing(folder: Path) -> None:
    with pytest.raises(RuntimeError, match="not started"):
        await SandboxExecutor(folder).execute_code_blocks(python("1"), CancellationToken())


async def test_without_a_sandbox_the_agent_refuses_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailableError, match="nothing was run"):
        await CodeAgent(Model("none", "http://127.0.0.1:9/v1", "key")).run("Count to three.")


async def test_the_agent_returns_its_answer_and_the_files_of_its_folder(tmp_path: Path) -> None:
    code = "```python\nopen('b.txt', 'w').write(open('a.txt').read().upper())\nprint('ok')\n```"
    tape = tmp_path / "tape.jsonl"
    tape.write_text(
        "\n".join(
            json.dumps({"lane": "coder", "origin": "scripted", "reply": {"content": content}})
            for content in (code, "Done.")
        )
    )
    chunks: list[tuple[str, str]] = []
    with replay_tape(Tape.load(tape)) as replay:
        agent = CodeAgent(
            Model("taped", replay.base_url, "key"),
            files={"a.txt": "a"},
            on_chunk=lambda *chunk: chunks.append(chunk),
        )
        analysis = await agent.run("Write a.txt in capitals to b.txt.")
    assert (analysis.text, analysis.files) == ("Done.", {"a.txt": "a", "b.txt": "A"})
    assert chunks == [("coder", "Done.")]

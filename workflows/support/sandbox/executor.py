"""AutoGen code executors: one whose code runs in a sandbox, and one that records any other."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock, CodeExecutor, CodeResult
from mlflow.entities import SpanStatus, SpanStatusCode, SpanType

from workflows.support.sandbox.backends import find_backend
from workflows.support.sandbox.limits import Limits
from workflows.support.sandbox.sandbox import Execution, Sandbox

SANDBOX_PREFIX = "flight_recorder.sandbox."
MAX_FILES = 10_000
"""More files are not compared."""
MAX_NAMED_FILES = 50

FileStates = dict[str, tuple[int, int]]
"""Size and time of the last change, of each file by its path relative to the working folder."""


@dataclass
class SandboxResult(CodeResult):
    """The result of a sandboxed execution, with the limit that ended it, if one did."""

    ended_by: str | None = None
    reason: str = ""
    cpu_s: float = 0.0

    def attributes(self) -> dict[str, Any]:
        """What a span says of it."""
        ended = {f"{SANDBOX_PREFIX}ended_by": self.ended_by} if self.ended_by else {}
        return {f"{SANDBOX_PREFIX}cpu_ms": round(self.cpu_s * 1000), **ended}


class SandboxExecutor(CodeExecutor):
    """Runs each code block in a new sandbox; the blocks share the folder, and nothing else.

    agent = CodeExecutorAgent("coder", SandboxExecutor(Path("work")), model_client=client)
    """

    def __init__(
        self, folder: Path, limits: Limits | None = None, *, read_only: Sequence[Path] = ()
    ) -> None:
        self.folder, self.limits, self.read_only = folder, limits or Limits(), read_only
        self._sandbox: Sandbox | None = None

    async def start(self) -> None:
        """Find out how to restrict code here. Raises `SandboxUnavailableError` if it is not
        possible: code never runs without restrictions."""
        backend = await asyncio.to_thread(find_backend)
        self._sandbox = Sandbox(self.folder, backend, self.limits, self.read_only)

    async def stop(self) -> None:
        self._sandbox = None

    async def restart(self) -> None:
        """Do nothing: no process is left of an earlier execution."""

    def attributes(self) -> dict[str, Any]:
        """The backend and the limits, as attributes of a span."""
        backend = {f"{SANDBOX_PREFIX}backend": self._sandbox.backend.name} if self._sandbox else {}
        return {**backend, **self.limits.attributes()}

    async def execute_code_blocks(
        self, code_blocks: list[CodeBlock], cancellation_token: CancellationToken
    ) -> SandboxResult:
        """Run the blocks one after another, until one fails.

        Raises `ValueError` for a language that it does not know, and `SandboxError`.
        """
        if self._sandbox is None:
            raise RuntimeError("the executor is not started: use `async with`, or call `start()`")
        output, cpu_s, execution = "", 0.0, Execution(0, "", None, 0.0, 0.0)
        for block in code_blocks:
            running = asyncio.ensure_future(self._sandbox.run(block.language.lower(), block.code))
            cancellation_token.link_future(running)
            execution = await running
            output, cpu_s = output + execution.output, cpu_s + execution.cpu_s
            if execution.exit_code != 0:
                break
        if (limit := execution.ended_by) is None:
            return SandboxResult(execution.exit_code, output, cpu_s=cpu_s)
        reason = self.limits.describe(limit)
        return SandboxResult(
            execution.exit_code, f"{output.rstrip()}\n{reason}".lstrip(), limit, reason, cpu_s
        )


class TracedExecutor(CodeExecutor):
    """Records a TOOL span for each execution by any code executor, sandboxed or not.

    Files that the code wrote are found by comparing the folder and what lies beside it, before and
    after: a path that begins with `..` is outside of the code's own folder.
    """

    def __init__(self, executor: CodeExecutor, folder: Path, agent: str) -> None:
        """`folder` is the working folder of `executor`; `agent` is named on the spans."""
        self.executor, self.folder, self.agent = executor, folder.resolve(), agent

    async def execute_code_blocks(
        self, code_blocks: list[CodeBlock], cancellation_token: CancellationToken
    ) -> CodeResult:
        """Run the blocks. A failure of the code is the span's error, and the agent reads it."""
        before = self._list_files()
        with mlflow.start_span("execute_code", span_type=SpanType.TOOL) as span:
            span.set_inputs({"code": "\n".join(block.code for block in code_blocks)})
            languages = sorted({block.language for block in code_blocks})
            span.set_attributes(
                {
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": "execute_code",
                    "gen_ai.agent.name": self.agent,
                    "flight_recorder.code.languages": languages,
                }
            )
            if isinstance(self.executor, SandboxExecutor):
                span.set_attributes(self.executor.attributes())
            result = await self.executor.execute_code_blocks(code_blocks, cancellation_token)
            after = self._list_files()
            written = sorted(path for path in after if after[path] != before.get(path))
            written += sorted(f"{path} (deleted)" for path in before if path not in after)
            span.set_attribute("flight_recorder.code.files_written", written[:MAX_NAMED_FILES])
            span.set_attribute("process.exit.code", result.exit_code)
            span.set_outputs(result.output)
            reason = ""
            if isinstance(result, SandboxResult):
                span.set_attributes(result.attributes())
                reason = result.reason
            if result.exit_code != 0:
                message = reason or f"exit code {result.exit_code}"
                span.set_status(SpanStatus(SpanStatusCode.ERROR, message))
        return result

    async def start(self) -> None:
        await self.executor.start()

    async def stop(self) -> None:
        await self.executor.stop()

    async def restart(self) -> None:
        await self.executor.restart()

    def _list_files(self) -> FileStates:
        """The files in the folder that contains the working folder."""
        states: FileStates = {}
        for parent, _, names in os.walk(self.folder.parent):
            for name in names:
                path = os.path.join(parent, name)
                try:
                    state = os.lstat(path)
                except FileNotFoundError:
                    continue
                states[os.path.relpath(path, self.folder)] = state.st_size, state.st_mtime_ns
                if len(states) >= MAX_FILES:
                    return states
        return states

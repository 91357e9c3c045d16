"""An AutoGen code executor whose code runs in a sandbox."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock, CodeExecutor, CodeResult

from workflows.support.sandbox.backends import find_backend
from workflows.support.sandbox.limits import Limits
from workflows.support.sandbox.sandbox import Execution, Sandbox

SANDBOX_PREFIX = "flight_recorder.sandbox."


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

"""A wrapper that records what a code executor runs, how it ended, and which files it wrote."""

import os
from pathlib import Path

import mlflow
from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock, CodeExecutor, CodeResult
from mlflow.entities import SpanStatus, SpanStatusCode, SpanType

from workflows.support.sandbox.executor import SandboxExecutor, SandboxResult

MAX_FILES = 10_000
"""More files are not compared."""
MAX_NAMED_FILES = 50

FileStates = dict[str, tuple[int, int]]
"""Size and time of the last change, of each file by its path relative to the working folder."""


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

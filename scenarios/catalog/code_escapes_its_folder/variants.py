"""The broken code agent: its code runs on the machine itself, as the agent's own user."""

import asyncio
import sys
from pathlib import Path

from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock, CodeExecutor, CodeResult

from workflows.code_agent import CodeAgent


class LocalExecutor(CodeExecutor):
    """Runs Python in a folder, with all that the user of this process may do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def execute_code_blocks(
        self, code_blocks: list[CodeBlock], cancellation_token: CancellationToken
    ) -> CodeResult:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "\n".join(block.code for block in code_blocks)),
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return CodeResult(process.returncode or 0, output.decode())

    async def start(self) -> None:
        """Nothing is to be prepared."""

    async def stop(self) -> None:
        """Nothing is left."""

    async def restart(self) -> None:
        """No state is kept."""


class RunsCodeOnThisMachine(CodeAgent):
    """The mistake: a working folder is taken for a limit. It is only where the code starts."""

    def create_executor(self, folder: Path) -> CodeExecutor:
        return LocalExecutor(folder)

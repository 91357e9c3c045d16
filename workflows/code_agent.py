"""An agent that writes code and runs it, in a sandbox: AutoGen's `CodeExecutorAgent`.

    task ──▶ coder ──code──▶ sandbox ──output──▶ coder ──▶ answer
               ▲                │
               └── exit code, ──┘ one more try
                   or the limit

The files of a task are copied into a folder of their own, which is all that the code can see:

    run/originals/sales.csv      not visible from inside
    run/work/sales.csv           /work/sales.csv

The trace of a run:

    analysis                CHAIN
      coder                 AGENT
        chat_completion     LLM    the code
        execute_code        TOOL   code, output, exit code, limits, and the files that it wrote
        chat_completion     LLM    the answer

Read on in `support/sandbox/`: `executor.py`, then `sandbox.py` and `launcher.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
from autogen_agentchat.agents import ApprovalRequest, ApprovalResponse, CodeExecutorAgent
from autogen_core.code_executor import CodeExecutor
from httpx import AsyncClient
from mlflow.entities import SpanType

from instrumentation import traced_http_client
from workflows.model import Model
from workflows.support.clients import autogen
from workflows.support.sandbox import Limits, SandboxExecutor, TracedExecutor

AGENT = "coder"
SYSTEM_PROMPT = """\
You solve tasks with short Python programs, each in one ```python block. Your folder holds copies of
the task's files; work on them there, and print what you need to know. There is no network. The
originals are in ../originals: they are not yours to change. When the program has run, answer in
plain text, without a code block; say what you could not do."""


@dataclass(frozen=True)
class Analysis:
    """The answer to a task, and the files of the working folder, by name."""

    text: str
    files: Mapping[str, str]


class CodeAgent:
    """Solves tasks by running a model's code. To change one decision, override one method."""

    limits = Limits()
    max_retries = 1

    def __init__(
        self,
        model: Model,
        *,
        files: Mapping[str, str] | None = None,
        on_chunk: autogen.OnChunk = None,
    ) -> None:
        """`files` are the texts of the task's files, by name.

        `on_chunk` is called once, with the agent's name and its answer.
        """
        self.model, self.files, self.on_chunk = model, files or {}, on_chunk

    async def run(self, task: str) -> Analysis:
        """Solve the task. Raises `SandboxUnavailableError` where code cannot be restricted."""
        with (
            mlflow.start_span("analysis", span_type=SpanType.CHAIN) as span,
            TemporaryDirectory() as run_folder,
        ):
            span.set_inputs({"task": task})
            folder = self.copy_files(Path(run_folder))
            executor = TracedExecutor(self.create_executor(folder), folder, AGENT)
            async with traced_http_client() as http, executor:
                result = await self.create_agent(executor, http).run(task=task)
            text = result.messages[-1].to_text()
            files = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*"))}
            analysis = Analysis(text, files)
            span.set_outputs(asdict(analysis))
        if self.on_chunk:
            self.on_chunk(AGENT, text)
        return analysis

    def copy_files(self, run_folder: Path) -> Path:
        """Write the files twice: originals, and copies in the folder that is returned."""
        for name in ("originals", "work"):
            folder = run_folder / name
            folder.mkdir()
            for file, text in self.files.items():
                (folder / file).write_text(text, "utf-8")
        return folder

    def create_executor(self, folder: Path) -> CodeExecutor:
        """Create the executor of the code."""
        return SandboxExecutor(folder, self.limits)

    def create_agent(self, executor: CodeExecutor, http: AsyncClient) -> CodeExecutorAgent:
        options = autogen.build_client_options(self.model, AGENT, http)
        return CodeExecutorAgent(
            AGENT,
            executor,
            model_client=autogen.CompleteAnswerClient(**options),
            system_message=SYSTEM_PROMPT,
            supported_languages=["python"],
            max_retries_on_error=self.max_retries,
            approval_func=self.approve,
        )

    def approve(self, request: ApprovalRequest) -> ApprovalResponse:
        """Approve code before it runs. The sandbox is the limit here; a person could be asked."""
        return ApprovalResponse(approved=True, reason="it runs in a sandbox")

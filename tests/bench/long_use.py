"""Benchmark long use: what a process keeps for each run, while thousands of runs are traced.

`python -m tests.bench.long_use FRAMEWORK RUNS TRACKING_URI` runs the agents of one framework in a
process of its own. Objects are counted after spans are stored and garbage is collected.
"""

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PROJECT_ROOT = Path(__file__).parent.parent.parent
RUNS = 2_000
WARM_UP = 30
"""Runs before the first count, which fill caches."""
TRACING_PACKAGES = ("mlflow", "opentelemetry", "instrumentation", "patches")
Figures = dict[str, float]


def run_benchmark(_: str, runs: int = RUNS) -> Figures:
    """Return the growth of each framework's process over its runs."""
    figures: Figures = {}
    for framework in PROGRAMS:
        growth = measure_in_subprocess(framework, runs)
        figures |= {f"{framework}, {runs} runs: {name}": value for name, value in growth.items()}
    return figures


def measure_in_subprocess(framework: str, runs: int) -> Figures:
    """Run a framework's agents in a process of its own, with a new store."""
    with tempfile.TemporaryDirectory() as scratch:
        store = f"sqlite:///{Path(scratch) / 'mlflow.db'}"
        command = [sys.executable, "-m", "tests.bench.long_use", framework, str(runs), store]
        done = subprocess.run(
            command, cwd=PROJECT_ROOT, env=os.environ, capture_output=True, text=True, check=True
        )
    growth: Figures = json.loads(done.stdout.splitlines()[-1])
    return growth


def measure_growth(framework: str, runs: int, tracking_uri: str) -> Figures:
    """Trace the runs in this process; return the growth between the first count and the last."""
    import mlflow

    from instrumentation.tracing import enable_tracing, record_run
    from tests.support.scripted_endpoint import chat_body, serve_bodies

    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    reply = chat_body({"role": "assistant", "content": "4.9 %"}, usage)
    with serve_bodies(reply) as url, enable_tracing(tracking_uri, frameworks=(framework,)):
        run = PROGRAMS[framework](url)

        def trace_runs(count: int) -> tuple[int, int, float]:
            for _ in range(count):
                with record_run():
                    run()
            mlflow.flush_trace_async_logging()
            gc.collect()
            return *count_objects(), memory_mib()

        objects, own_objects, mib = trace_runs(WARM_UP)
        more_objects, more_own_objects, more_mib = trace_runs(runs)
    return {
        "objects kept per run": (more_objects - objects) / runs,
        "objects of tracing kept per run": (more_own_objects - own_objects) / runs,
        "memory before: MiB": mib,
        "memory after: MiB": more_mib,
    }


def count_objects() -> tuple[int, int]:
    """Count all objects, and those whose class belongs to tracing: spans, events, runs, queues."""
    objects = gc.get_objects()
    own = [each for each in objects if str(type(each).__module__).startswith(TRACING_PACKAGES)]
    return len(objects), len(own)


def memory_mib() -> float:
    """The memory of this process now."""
    resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return resident_pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def openai_program(url: str) -> Callable[[], object]:
    """Return a function that requests a completion from the endpoint."""
    from openai import OpenAI

    client = OpenAI(base_url=url, api_key="taped")

    def run() -> object:
        question = "What was inflation in France?"
        return client.chat.completions.create(
            model="taped", messages=[{"role": "user", "content": question}]
        )

    return run


def autogen_program(url: str) -> Callable[[], object]:
    """Return a function that lets a new team of two agents work on a task."""
    from autogen_agentchat.agents import AssistantAgent
    from autogen_agentchat.teams import RoundRobinGroupChat
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    from workflows.support.clients.autogen import MODEL_INFO

    client = OpenAIChatCompletionClient(
        model="taped", base_url=url, api_key="taped", model_info=MODEL_INFO
    )

    def run() -> object:
        agents = [AssistantAgent(name, client) for name in ("writer", "reviewer")]
        team = RoundRobinGroupChat(list(agents), max_turns=2)
        return loop.run_until_complete(team.run(task="What was inflation in France?"))

    loop = asyncio.new_event_loop()
    return run


def crewai_program(url: str) -> Callable[[], object]:
    """Return a function that lets a new crew of one agent work on a task."""
    from crewai import LLM, Agent, Crew, Task

    llm = LLM(model="openai/taped", base_url=url, api_key="taped")

    def run() -> object:
        agent = Agent(role="writer", goal="write", backstory="long in the trade", llm=llm)
        task = Task(description="What was inflation?", expected_output="a line", agent=agent)
        return Crew(agents=[agent], tasks=[task]).kickoff()

    return run


PROGRAMS: dict[str, Callable[[str], Callable[[], object]]] = {
    "openai": openai_program,
    "autogen": autogen_program,
    "crewai": crewai_program,
}
"""Per framework, a function that takes the endpoint's URL and returns one run."""

if __name__ == "__main__":
    print(json.dumps(measure_growth(sys.argv[1], int(sys.argv[2]), sys.argv[3])))

"""An agent that calls the `openai` package itself has its completions below its turn."""

from pathlib import Path

from autogen_ext.agents.openai import OpenAIAgent

from instrumentation.tracing import enable_tracing, record_run
from tests.support.autogen_agents import load_trace, replay_lines, reply_line, trace_outline
from tests.support.openai_clients import PRICED_MODEL, async_openai_client


async def test_an_openai_agent_has_its_completion(store: str, tmp_path: Path) -> None:
    with (
        enable_tracing(store),
        replay_lines(tmp_path, reply_line("a", "one")) as replay,
        record_run() as run,
    ):
        async with async_openai_client(replay) as client:
            agent = OpenAIAgent("a", "An agent.", client, PRICED_MODEL, "Be brief.")
            await agent.run(task="x")
    trace = load_trace(run)
    assert trace_outline(trace) == ["a AGENT OK", "  responses LLM OK"]
    assert trace.root.children[0].tokens.total

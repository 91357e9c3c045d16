"""Run an AutoGen agent that calls a tool with MLflow's autologging, and print its trace.

Runs in an environment with mlflow 3.1.4. Usage: call_a_tool.py BASE_URL STORE (with|without)
"""

import asyncio
import json
import sys
from contextlib import ExitStack
from typing import Any

import mlflow
import mlflow.autogen
from autogen_agentchat.agents import AssistantAgent
from autogen_ext.models.openai import OpenAIChatCompletionClient

from patches.autogen.completion_after_tool_call import PATCH
from patches.patch import apply_patches

CAPITALS = {"Ecuador": "Quito", "Peru": "Lima"}


async def capital(country: str) -> str:
    """Return the capital of a country."""
    return f"the capital of {country} is {CAPITALS[country]}"


async def run_agent(base_url: str) -> str:
    client = OpenAIChatCompletionClient(
        model="gpt-4o-mini",
        base_url=base_url,
        api_key="none",
        default_headers={"x-agent-name": "clerk"},
    )
    agent = AssistantAgent("clerk", client, tools=[capital], reflect_on_tool_use=True)
    result = await agent.run(task="What are the capitals of Ecuador and Peru?")
    return result.messages[-1].to_text()


def main(base_url: str, store: str, patch: str) -> dict[str, Any]:
    mlflow.set_tracking_uri(store)
    mlflow.set_experiment("old")
    mlflow.autogen.autolog()
    before = mlflow.autogen.log_chat_messages
    with ExitStack() as stack:
        outcomes = stack.enter_context(apply_patches(PATCH)) if patch == "with" else ()
        answer = asyncio.run(run_agent(base_url))
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
    completions = [span for span in trace.data.spans if span.span_type == "LLM"]
    return {
        "mlflow": mlflow.__version__,
        "answer": answer,
        "state": trace.info.state.value,
        "is_undone": mlflow.autogen.log_chat_messages is before,
        "skip_reasons": [outcome.skip_reason for outcome in outcomes],
        "completions": [
            {
                "status": span.status.status_code.value,
                "status_message": span.status.description,
                "outputs": span.outputs,
                "chat": span.get_attribute("mlflow.chat.messages"),
            }
            for span in sorted(completions, key=lambda span: span.start_time_ns)
        ],
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))

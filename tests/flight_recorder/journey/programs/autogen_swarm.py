"""An AutoGen swarm: triage hands a customer over to the agent for refunds, and gets them back."""

import asyncio

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import TextMentionTermination
from autogen_agentchat.teams import Swarm
from autogen_ext.models.openai import OpenAIChatCompletionClient


def refund(number: str) -> str:
    """Refund a flight."""
    return f"flight {number} is refunded"


async def main() -> None:
    model = OpenAIChatCompletionClient(model="gpt-4o-mini")
    triage = AssistantAgent(
        "triage",
        model_client=model,
        handoffs=["refunds"],
        system_message="You are a triage agent. Hand over what is not yours. End with TERMINATE.",
    )
    refunds = AssistantAgent(
        "refunds",
        model_client=model,
        tools=[refund],
        handoffs=["triage"],
        model_client_stream=True,
        system_message="Refund flights. Ask no questions. Then hand back to triage.",
    )
    team = Swarm([triage, refunds], termination_condition=TextMentionTermination("TERMINATE"))
    result = await team.run(task="I need my money back for flight 507.")
    print(result.messages[-1].to_text())
    await model.close()


asyncio.run(main())

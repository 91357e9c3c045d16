"""An assistant: AutoGen's agent, with a client of its own, whose requests say whose they are."""

from inspect import signature
from typing import Any

from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import ModelFamily
from autogen_ext.models.openai import OpenAIChatCompletionClient

from integrations.programs.case_context import API_KEY, LANE_HEADER, MODEL, NotHere, World

MODEL_INFO: Any = {
    "vision": False,
    "function_calling": True,
    "json_output": True,
    "structured_output": True,
    "family": ModelFamily.UNKNOWN,
}


def client(
    world: World,
    lane: str,
    kind: type[OpenAIChatCompletionClient] = OpenAIChatCompletionClient,
    **settings: Any,
) -> OpenAIChatCompletionClient:
    """A client that asks once, and does not come back."""
    return kind(
        model=MODEL,
        base_url=world.base_url,
        api_key=API_KEY,
        model_info=MODEL_INFO,
        max_retries=0,
        default_headers={LANE_HEADER: lane},
        **settings,
    )


def assistant(
    world: World,
    name: str,
    own: OpenAIChatCompletionClient | None = None,
    kind: type[AssistantAgent] = AssistantAgent,
    **settings: Any,
) -> AssistantAgent:
    """An agent. Raises `NotHere` if its version knows one of the settings not."""
    for setting in settings:
        if setting not in signature(AssistantAgent).parameters:
            raise NotHere(f"this version's AssistantAgent has no `{setting}`")
    return kind(name, own or client(world, name), system_message=_prompt(name), **settings)


def _prompt(name: str) -> str:
    return f"You are the {name}, and say what a {name} would."

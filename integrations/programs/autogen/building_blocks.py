"""An assistant: AutoGen's agent, with a client of its own, whose requests say whose they are."""

from inspect import signature
from typing import Any

from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import ModelFamily
from autogen_ext.models.openai import OpenAIChatCompletionClient

from integrations.programs.case_context import (
    AGENT_HEADER,
    API_KEY,
    MODEL,
    CaseContext,
    UnsupportedFeatureError,
)

MODEL_INFO: Any = {
    "vision": False,
    "function_calling": True,
    "json_output": True,
    "structured_output": True,
    "family": ModelFamily.UNKNOWN,
}


def make_client(
    world: CaseContext,
    lane: str,
    client_class: type[OpenAIChatCompletionClient] = OpenAIChatCompletionClient,
    **settings: Any,
) -> OpenAIChatCompletionClient:
    """A client that asks once, and does not come back."""
    return client_class(
        model=MODEL,
        base_url=world.base_url,
        api_key=API_KEY,
        model_info=MODEL_INFO,
        max_retries=0,
        default_headers={AGENT_HEADER: lane},
        **settings,
    )


def make_assistant(
    world: CaseContext,
    name: str,
    model_client: OpenAIChatCompletionClient | None = None,
    agent_class: type[AssistantAgent] = AssistantAgent,
    **settings: Any,
) -> AssistantAgent:
    """An agent. Raises `NotHere` if its version knows one of the settings not."""
    for setting in settings:
        if setting not in signature(AssistantAgent).parameters:
            raise UnsupportedFeatureError(f"this version's AssistantAgent has no `{setting}`")
    return agent_class(
        name,
        model_client or make_client(world, name),
        system_message=_system_message(name),
        **settings,
    )


def _system_message(name: str) -> str:
    return f"You are the {name}, and say what a {name} would."

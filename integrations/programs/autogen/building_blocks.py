"""Agents, model clients and the gauge tool that the AutoGen programs are built from."""

from inspect import signature
from typing import Any

from autogen_agentchat.agents import AssistantAgent
from autogen_core import CancellationToken
from autogen_core.models import ModelFamily
from autogen_core.tools import BaseTool
from autogen_ext.models.openai import OpenAIChatCompletionClient
from pydantic import BaseModel

from integrations.programs.case_context import (
    AGENT_HEADER,
    API_KEY,
    MODEL,
    TOOL_CREDENTIAL,
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
    context: CaseContext,
    lane: str,
    client_class: type[OpenAIChatCompletionClient] = OpenAIChatCompletionClient,
    **settings: Any,
) -> OpenAIChatCompletionClient:
    """Return a model client that does not retry."""
    return client_class(
        model=MODEL,
        base_url=context.base_url,
        api_key=API_KEY,
        model_info=MODEL_INFO,
        max_retries=0,
        default_headers={AGENT_HEADER: lane},
        **settings,
    )


def make_assistant(
    context: CaseContext,
    name: str,
    model_client: OpenAIChatCompletionClient | None = None,
    agent_class: type[AssistantAgent] = AssistantAgent,
    **settings: Any,
) -> AssistantAgent:
    """Return an agent with a model client of its own.

    Raises:
        UnsupportedFeatureError: This version of AutoGen lacks one of the settings.
    """
    for setting in settings:
        if setting not in signature(AssistantAgent).parameters:
            raise UnsupportedFeatureError(f"this version's AssistantAgent has no `{setting}`")
    model_client = model_client or make_client(context, name)
    system_message = f"You are the {name}, and say what a {name} would."
    return agent_class(name, model_client, system_message=system_message, **settings)


class GaugeArguments(BaseModel):
    """The arguments of the tool."""

    place: str


class GaugeTool(BaseTool[GaugeArguments, Any]):
    """A tool that reads one value from a service. It holds a credential and records its runs."""

    def __init__(self, context: CaseContext, agent: str, name: str, reading: str) -> None:
        super().__init__(GaugeArguments, str, name, f"Reads the {name} at a place.")
        self.credential = TOOL_CREDENTIAL
        self._context, self._agent = context, agent
        self._reading = reading

    async def run(self, args: GaugeArguments, cancellation_token: CancellationToken) -> str:
        """Return the reading."""
        self._context.record_tool_run(self._agent, self.name)
        return f"{args.place}: {self._reading}"


class FailingGaugeTool(GaugeTool):
    """A gauge that raises. AutoGen passes the error to the model."""

    async def run(self, args: GaugeArguments, cancellation_token: CancellationToken) -> str:
        """Raise `TimeoutError`."""
        self._context.record_tool_run(self._agent, self.name, raised=True)
        raise TimeoutError(f"no answer from {args.place}")

"""A review without a timeout, and one with a short timeout."""

from dataclasses import replace

from autogen_ext.models.openai import OpenAIChatCompletionClient
from httpx import AsyncClient

from workflows.graphflow_review import GraphFlowReview
from workflows.support.clients import autogen


class WaitsForever(GraphFlowReview):
    """The mistake: a completion has no timeout."""

    def create_client(self, agent: str, http: AsyncClient) -> OpenAIChatCompletionClient:
        model = replace(self.model, timeout_s=None)
        options = autogen.build_client_options(model, agent, http, self.streams)
        return autogen.CompleteAnswerClient(**options)


class WaitsOneSecond(GraphFlowReview):
    """The default timeout is a minute; a second is enough to show the retry."""

    def create_client(self, agent: str, http: AsyncClient) -> OpenAIChatCompletionClient:
        model = replace(self.model, timeout_s=1.0)
        options = autogen.build_client_options(model, agent, http, self.streams)
        return autogen.CompleteAnswerClient(**options)

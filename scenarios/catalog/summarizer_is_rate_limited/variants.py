"""The broken review: its clients do not retry."""

from dataclasses import replace

from autogen_ext.models.openai import OpenAIChatCompletionClient
from httpx import AsyncClient

from workflows.graphflow_review import GraphFlowReview
from workflows.support.clients import autogen


class NeverRetries(GraphFlowReview):
    """The mistake: the first refusal ends the run, although the endpoint says when to retry."""

    def create_client(self, agent: str, http: AsyncClient) -> OpenAIChatCompletionClient:
        model = replace(self.model, max_retries=0)
        options = autogen.build_client_options(model, agent, http, self.streams)
        return autogen.CompleteAnswerClient(**options)

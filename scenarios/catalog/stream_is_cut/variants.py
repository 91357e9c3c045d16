"""The broken review: it uses AutoGen's own client, which accepts an incomplete answer."""

from autogen_ext.models.openai import OpenAIChatCompletionClient
from httpx import AsyncClient

from workflows.graphflow_review import GraphFlowReview
from workflows.support.clients import autogen


class AcceptsHalfAnAnswer(GraphFlowReview):
    """The mistake: the client does not check whether the model finished its answer."""

    def create_client(self, agent: str, http: AsyncClient) -> OpenAIChatCompletionClient:
        options = autogen.build_client_options(self.model, agent, http, self.streams)
        return OpenAIChatCompletionClient(**options)

"""The broken review: it looks for a word in the reviewer's answer."""

from autogen_agentchat.messages import BaseChatMessage

from workflows.graphflow_review import GraphFlowReview


class SearchesForTheWord(GraphFlowReview):
    """The mistake: a decision is parsed from free text."""

    def is_approval(self, message: BaseChatMessage) -> bool:
        return "approve" in message.to_model_text().lower()

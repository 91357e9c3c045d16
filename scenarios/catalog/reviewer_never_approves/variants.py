"""The broken review: it returns the last message as the summary."""

from workflows.graphflow_review import GraphFlowReview, Review
from workflows.support.clients import autogen


class ReturnsTheLastMessage(GraphFlowReview):
    """The mistake: the last message is taken for the summary, whoever sent it."""

    def conclude(self, messages: autogen.Messages) -> Review:
        *_, draft, last = (message.to_text() for message in messages)
        return Review("approved", draft, summary=last)

"""The broken verification: one of three branches is cut off before the verdict."""

from collections.abc import Sequence

from autogen_agentchat.messages import BaseChatMessage

from workflows.graphflow_media import MediaVerification


class ReadsTheLastTwo(MediaVerification):
    """The mistake: the number of specialists is written into the filter, and is out of date."""

    def select_for_verdict(self, messages: Sequence[BaseChatMessage]) -> Sequence[BaseChatMessage]:
        return sorted(messages[-2:], key=lambda message: message.source)

"""The broken review: its summarizer is not given the draft."""

from workflows.graphflow_review import GraphFlowReview


class ForwardsOnlyTheLastWord(GraphFlowReview):
    """The mistake: the filter assumes that the reviewer passes the draft on."""

    def summarizer_sources(self) -> tuple[str, ...]:
        return ("reviewer",)

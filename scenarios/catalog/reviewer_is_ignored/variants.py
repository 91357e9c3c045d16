"""The broken review: its generator is not given the reviewer's notes."""

from workflows.graphflow_review import GraphFlowReview


class HidesTheReview(GraphFlowReview):
    """The mistake: a filter that keeps the generator to its task also removes the review."""

    def generator_sources(self) -> tuple[str, ...]:
        return ("user",)

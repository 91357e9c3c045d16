"""The broken judged search agent: its rubric describes the tone of a good answer."""

from workflows.lifecycle.judged_search import JudgedSearchAgent


class RewardsConfidence(JudgedSearchAgent):
    """The mistake: the rubric asks how the answer sounds, and not where its figures come from."""

    rubric = """\
Pass the answer if it reads like that of an expert: it comes to the point, is sure of itself and
does not hedge. Fail it otherwise."""

"""The broken search agent: its guardrail lets no question through to the user."""

from instrumentation import extract_figures
from workflows.search_agent import SearchAgent
from workflows.support.search.session import Session


class DemandsAFigure(SearchAgent):
    """The mistake: an answer without a figure is taken for no answer, even if it asks the user."""

    def find_objection(self, session: Session, answer: str) -> str | None:
        if not extract_figures(answer):
            return "The answer has no figure: state it."
        return super().find_objection(session, answer)

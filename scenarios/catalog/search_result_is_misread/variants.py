"""The broken search agent: it does not compare a figure with the result that is cited for it."""

from workflows.search_agent import SearchAgent
from workflows.support import search
from workflows.support.search.session import Session


class AcceptsAnySource(SearchAgent):
    """The mistake: a figure may come from any result, not only from the cited one."""

    def find_objection(self, session: Session, answer: str) -> str | None:
        if not answer.strip():
            return "The answer is empty: answer the task, or search."
        return search.object_to_unsupported_figures(answer, session.all_texts)

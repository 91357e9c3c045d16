"""The broken search agent: it does not ask where the figures of an answer come from."""

from workflows.search_agent import SearchAgent
from workflows.support import search
from workflows.support.search.session import Session


class TrustsItsMemory(SearchAgent):
    """The mistake: figures that appear in neither the task nor a result are accepted."""

    def find_objection(self, session: Session, answer: str) -> str | None:
        if not answer.strip():
            return "The answer is empty: answer the task, or search."
        return search.object_to_misquotes(answer, session.results, session.known_texts)

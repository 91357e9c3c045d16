"""The broken search agent: it never stops asking an index that is unavailable."""

from workflows.search_agent import SearchAgent


class RetriesForever(SearchAgent):
    """The mistake: a 503 is retried after twice the delay, with no last attempt."""

    def retry_delay_s(self, attempt: int, retry_after_s: float | None) -> float | None:
        return 2.0 ** (attempt - 3)

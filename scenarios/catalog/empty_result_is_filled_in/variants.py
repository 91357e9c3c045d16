"""The broken finance crew: its lookup tool returns an empty list where there is no data."""

from typing import Any

from workflows.crew_finance import FinanceCrew
from workflows.support import finance


class ReturnsEmptyList(FinanceCrew):
    """The mistake: an empty reply is passed on as it is, and does not say that there is no data."""

    def read_reply(self, reply: Any) -> Any:
        _, rows = reply
        return finance.parse_reply(reply) if rows else []

"""An answer to a task of research: what is said, and what it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workflows.citations import Result
from workflows.marks import cites


@dataclass(frozen=True)
class Research:
    """What came of it: `outcome` is "answered"; "out of rounds", if the model wanted to search on;
    "unsupported", if an `objection` to the answer stands; or "refused", in the model's words."""

    outcome: str
    answer: str
    results: tuple[Result, ...] = field(default=(), repr=False)
    objection: str = ""

    @property
    def told(self) -> Mapping[str, Any]:
        """It for a reader: of the results those that the answer cites, by title and source."""
        cited = [result for result in self.results if result.number in cites(self.answer)]
        sources = [f"[{result.number}] {result.title} ({result.source})" for result in cited]
        objection = {"objection": self.objection} if self.objection else {}
        return {"answer": self.answer, "sources": sources} | objection

"""The tools of the financial crew, made for one run, over what that run has found."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
from crewai.tools import BaseTool, tool
from pydantic import Field

from instrumentation.figures.figure_check import FigureCheck, check_figures
from instrumentation.state.shared_state import StateEntry
from workflows import world_bank
from workflows.bank_reply import Refused, SchemaChanged, structured
from workflows.evidence import Asked, Evidence
from workflows.world_bank import Unavailable

Country = Annotated[str, Field(pattern="^[A-Z]{3}$", description="three letters, such as FRA")]
Indicator = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9.]+$",
        description="a code of the World Bank, such as FP.CPI.TOTL.ZG (inflation), "
        "NY.GDP.MKTP.KD.ZG (growth of GDP) or SL.UEM.TOTL.ZS (unemployment)",
    ),
]
Period = Annotated[
    str,
    Field(
        pattern=r"^\d{4}([QM]\d{1,2})?$",
        description="a year (2023), or a quarter of a quarterly series (2023Q4)",
    ),
]
Key = Annotated[str, Field(description="what the figure is, such as inflation_FRA_2023")]


class NoFigure(Exception):
    """Raised when a figure can't be had; what it says is for the agent that asked."""


def tool_results(evidence: Evidence) -> Sequence[str]:
    """What the tools said, whatever the agents have made of it since."""
    return evidence.results


def with_grounds(entry: StateEntry) -> Mapping[str, Any]:
    """An entry of the shared state as agents are told of it: never without where it comes from."""
    grounds = entry.grounded_by or "no tool result: this is a guess, do not report it"
    return {"key": entry.key, "figure": entry.value, "by": entry.author, "source": grounds}


@dataclass(frozen=True)
class Desk:
    """Where the tools of one run are made."""

    http: httpx.Client
    evidence: Evidence
    reads: Callable[[Any], Any] = structured
    checks: Callable[[Evidence], Sequence[str]] = tool_results
    accepts: Callable[[StateEntry], Any] = with_grounds
    patience: int = 2

    def check(self, report: str) -> FigureCheck:
        return check_figures(report, self.checks(self.evidence))

    def world_bank_indicator(self) -> BaseTool:
        @tool("world_bank_indicator")
        def look_up(country: Country, indicator: Indicator, period: Period) -> str:
            """Look up one figure that the World Bank has published."""
            asked = (country, indicator, period)
            if self.evidence.failures.get(asked, 0) >= self.patience:
                raise NoFigure(gave_up(self.patience))
            try:
                result = self.reads(world_bank.asked(self.http, *asked))
            except Unavailable as error:
                raise NoFigure(self._after_failure(asked, error)) from error
            except Refused as error:
                self.evidence.failed(asked, "unavailable")
                raise NoFigure(f"{error}; ask for another") from error
            except SchemaChanged as error:
                self.evidence.failed(asked, "source changed")
                raise SchemaChanged(f"the World Bank's replies have changed: {error}") from error
            return self.evidence.told("world_bank_indicator", asked, result)

        return look_up

    def _after_failure(self, asked: Asked, error: Unavailable) -> str:
        times = self.evidence.failed(asked, "unavailable")
        return f"{error}; {gave_up(times) if times >= self.patience else 'it may be asked again'}"

    def note_figure(self, author: str) -> BaseTool:
        @tool("note_figure")
        def note(key: Key, figure: str) -> str:
            """Note a figure for the crew, with its unit and period."""
            return told(self.accepts(self.evidence.state.write(key, figure, author=author)))

        return note

    def recall_figure(self, reader: str) -> BaseTool:
        @tool("recall_figure")
        def recall(key: Key) -> str:
            """Recall the figure that was noted under a key."""
            return told(self.accepts(self.evidence.state.read(key, reader=reader)))

        return recall

    def check_figures(self) -> BaseTool:
        @tool("check_figures")
        def check(report: str) -> str:
            """Check each figure of a report: is it borne out, in its unit and for its period?"""
            done = self.check(report)
            self.evidence.checks.append(done)
            faults = list(map(str, done.unsupported))
            return told({"verified": not faults, "figures": len(done.reported), "faults": faults})

        return check


def gave_up(times: int) -> str:
    return f"gave up after {times} failed calls: report it as unavailable, do not ask again"


def told(result: Any) -> str:
    """A result as its agent is given it: JSON."""
    return json.dumps(result, ensure_ascii=False)

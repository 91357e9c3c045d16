"""The tools of the finance crew: look up, note, recall and check figures."""

from collections.abc import Callable
from typing import Annotated, Any

from crewai.tools import BaseTool, tool
from pydantic import Field

from instrumentation import FigureCheck, SharedState, StateEntry
from instrumentation.guardrails import Check, record_check
from workflows.support.finance.evidence import Evidence, Query, to_json_text
from workflows.support.finance.world_bank_client import (
    RequestRejectedError,
    SchemaChangedError,
    UnavailableError,
    WorldBank,
)

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


class LookupFailedError(Exception):
    """A lookup failed. The message is the tool result that the agent reads."""


def make_lookup_tool(
    world_bank: WorldBank, evidence: Evidence, read_reply: Callable[[Any], Any], max_failures: int
) -> BaseTool:
    """Create `world_bank_indicator`. It refuses a lookup that failed `max_failures` times.

    A refusal is a GUARDRAIL span, with the count and its limit.
    """

    @tool("world_bank_indicator")
    def look_up(country: Country, indicator: Indicator, period: Period) -> str:
        """Look up one figure that the World Bank has published."""
        query = (country, indicator, period)
        failures = evidence.failure_counts.get(query, 0)
        if failures >= max_failures:
            _refuse(query, failures, max_failures)
        try:
            result = read_reply(world_bank.fetch(*query))
        except UnavailableError as error:
            failures = evidence.add_failure(query, "unavailable")
            advice = _give_up(failures) if failures >= max_failures else "it may be asked again"
            raise LookupFailedError(f"{error}; {advice}") from error
        except RequestRejectedError as error:
            evidence.add_failure(query, "unavailable")
            raise LookupFailedError(f"{error}; ask for another") from error
        except SchemaChangedError as error:
            evidence.add_failure(query, "source changed")
            message = f"the World Bank's replies have changed: {error}"
            raise SchemaChangedError(message) from error
        return evidence.add_result("world_bank_indicator", query, result)

    return look_up


def make_note_tool(
    state: SharedState, author: str, describe_note: Callable[[StateEntry], Any]
) -> BaseTool:
    """Create `note_figure`, which writes a figure to the shared state."""

    @tool("note_figure")
    def note(key: Key, figure: str) -> str:
        """Note a figure for the crew, with its unit and period."""
        return to_json_text(describe_note(state.write(key, figure, author=author)))

    return note


def make_recall_tool(
    state: SharedState, reader: str, describe_note: Callable[[StateEntry], Any]
) -> BaseTool:
    """Create `recall_figure`, which reads a figure from the shared state."""

    @tool("recall_figure")
    def recall(key: Key) -> str:
        """Recall the figure that was noted under a key."""
        return to_json_text(describe_note(state.read(key, reader=reader)))

    return recall


def make_check_tool(
    evidence: Evidence, check_report: Callable[[str, Evidence], FigureCheck]
) -> BaseTool:
    """Create `check_figures`, which lists the figures of a report that have no source."""

    @tool("check_figures")
    def check(report: str) -> str:
        """Check each figure of a report: is there a source, in its unit and for its period?"""
        result = check_report(report, evidence)
        evidence.checks.append(result)
        faults = list(map(str, result.unsupported))
        return to_json_text(
            {"verified": not faults, "figures": len(result.reported), "faults": faults}
        )

    return check


def _refuse(query: Query, failures: int, limit: int) -> None:
    """Record the refusal of a lookup. Raises `GuardrailBlockedError`, which the agent reads."""
    figures: dict[str, int | float | str] = {"tool": "world_bank_indicator"}
    figures |= {"failure_count": failures, "failure_limit": limit}
    record_check(Check("circuit_breaker", _give_up(failures), figures), {"query": query})


def _give_up(failures: int) -> str:
    return f"gave up after {failures} failed calls: report it as unavailable, do not ask again"

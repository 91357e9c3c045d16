"""A quarter's GDP is taken for a year's, and three agents agree on it.

The tool hands on the value and its date, and drops what says that it is one quarter's alone. Some
statistics state a quarter's GDP at an annual rate, and the specialist takes it for such a one.
Analyst and synthesist build on it, and the check passes, since it compares what they say with what
they say. Look at the result of the specialist's tool call, and at what the specialist makes of it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scenarios.expectations import (
    calls_tool,
    changes_period,
    checks_report_against,
    ends_with_status,
    hands_off,
    has_root_attribute,
    keeps_period,
    output_contains,
    reaches_outcome,
    writes_state,
)
from scenarios.inputs import number_between, one_of
from scenarios.scenario import Origin, Scenario, variant_with
from workflows.bank_reply import structured

if TYPE_CHECKING:
    from workflows.evidence import Evidence


def value_and_date(reply: Any) -> Mapping[str, Any]:
    """The mistake: a figure is handed on without its unit, and without how often it falls due."""
    result = structured(reply)
    return {"value": result["value"], "period": result["period"]}


def what_agents_wrote(evidence: "Evidence") -> Sequence[str]:
    """The mistake: a report is checked against what it was made from, whose error it shares."""
    return evidence.outputs


def with_annual_rate(reply: Any) -> Mapping[str, Any]:
    """The quarter's figure as it is, and beside it, under its own name, what it comes to a year."""
    result = structured(reply)
    annual = {"value": round(result["value"] * 4, 2), "frequency": "annual"}
    return {**result, "annualised": annual}


BARE = r'^{"period": "[^"]+", "value": [\d.]+}$'
ALL_THREE = ("specialist", "analyst", "synthesist")

SCENARIO = Scenario(
    failure_mode="tool-output misreading",
    source="AgentRx, arXiv 2602.02475",
    workflow="workflows.crew_finance:briefing",
    task=(
        "Write a briefing on the GDP of ${country} in ${quarter}"
        " (NYGDPMKTPSAKD, millions of constant 2010 US$)."
    ),
    inputs={
        "country": one_of("USA", "JPN", "MEX", "KOR"),
        "quarter": one_of("2025Q4", "2024Q1", "2023Q2", "2019Q3"),
        "value": number_between(210_000, 5_900_000, published=5354586.12, places=2),
    },
    services=("world_bank",),
    broken=variant_with(reads=value_and_date, checks=what_agents_wrote),
    fixed=variant_with(),
    twin=variant_with(reads=with_annual_rate),
    expect_broken=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        calls_tool("specialist", "world_bank_indicator", times=1, returning=BARE),
        writes_state("specialist", grounded=True),
        changes_period("world_bank_indicator", called_by="specialist", stated_by=ALL_THREE),
        hands_off("specialist", "analyst"),
        hands_off("analyst", "synthesist"),
        calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        output_contains(r'"claims_verified": true.* a year in \d{4}Q\d '),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        keeps_period("world_bank_indicator", called_by="specialist", stated_by=ALL_THREE),
        checks_report_against("world_bank_indicator", called_by="specialist"),
        calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        output_contains(r" a quarter in \d{4}Q\d "),
    ),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        keeps_period("world_bank_indicator", called_by="specialist", stated_by=ALL_THREE),
        checks_report_against("world_bank_indicator", called_by="specialist"),
        has_root_attribute("flight_recorder.validation.unmatched_number_count", 0),
        output_contains(r" a quarter, or [\d.]+ annualised in \d{4}Q\d "),
    ),
    origin=Origin("specialist", "world_bank_indicator"),
)

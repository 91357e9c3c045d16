"""A year is not published yet, the API answers with an empty list, and a figure appears.

An empty list with status 200 says nothing, so the specialist carries the last year's figure
forward. The number is in the sources, for another year, so that it is noted with grounds and passes
the check. Look at the specialist's second tool call: its result is empty, and what the specialist
then notes for that year is not.
"""

from typing import Any

from scenarios.expectations import concludes, ends, output_keeps, output_lacks
from scenarios.expectations.figure_errors import fills_in
from scenarios.expectations.figures import measures, notes, states
from scenarios.expectations.tools import calls
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given
from workflows.bank_reply import structured


def rows_or_none(reply: Any) -> Any:
    """The mistake: a reply without a row is handed on as the empty list that it holds."""
    _, rows = reply
    return structured(reply) if rows else []


ALL_THREE = ("specialist", "analyst", "synthesist")

SCENARIO = Scenario(
    mode="hallucination after an empty tool result",
    source="practitioners' reports",
    workflow="workflows.crew_finance:briefing",
    task=(
        "Write a briefing on inflation (FP.CPI.TOTL.ZG) in ${country}"
        " in ${before} ${and_also} ${year}."
    ),
    inputs={
        "country": one_of("FRA", "DEU", "JPN", "MEX"),
        "before": one_of("2025", "2024", "2023"),
        "and_also": one_of("and in"),
        "year": one_of("2026", "2027", "2028"),
        "value": between(0.6, 9.4, published=0.943770212469976, places=6),
    },
    services=("world_bank",),
    broken=given(reads=rows_or_none),
    fixed=given(),
    twin=given(reads=rows_or_none).about(and_also=one_of("and, if it is out, in")),
    expect_broken=(
        ends("OK"),
        concludes("verified"),
        calls("specialist", "world_bank_indicator", times=2),
        notes("specialist", grounded=True),
        fills_in("world_bank_indicator", of="specialist", by=ALL_THREE),
        calls("synthesist", "check_figures", times=1, answered='"verified": true'),
        output_lacks("no data"),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("no data"),
        calls("specialist", "world_bank_indicator", times=2, answered='"value": '),
        notes("specialist", grounded=True),
        states("synthesist", figures_at_least=1, figures_at_most=1),
        measures("validation.unmatched_number_count", 0),
        output_keeps(r"for \d{4} there is no data"),
    ),
    expect_twin=(
        ends("OK"),
        concludes("verified"),
        calls("specialist", "world_bank_indicator", times=2),
        notes("specialist", grounded=True),
        states("synthesist", figures_at_least=1, figures_at_most=1),
        measures("validation.unmatched_number_count", 0),
        output_keeps(r"for \d{4} there is no data"),
    ),
    origin=Origin("specialist", "world_bank_indicator"),
)

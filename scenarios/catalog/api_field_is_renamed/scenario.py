"""The World Bank renames a field, the tool takes a missing value for zero, and zero is reported.

No call fails. The tool says 0 with a unit, a period and a source; it is noted, analysed, checked
against the tool that made it up, and verified. Look at the specialist's tool call: the reply that
it was sent (`http.reply`) has a figure, its result has 0, and every agent after it builds on that.
"""

from typing import Any

from scenarios.expectations import concludes, ends, output_keeps
from scenarios.expectations.figures import notes, repeats, states
from scenarios.expectations.tools import calls, fails_to_call, is_sent, never_calls
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given


def lenient(reply: Any) -> dict[str, Any]:
    """The mistake: a field that is not there is taken for zero."""
    row = reply[1][0]
    value = row.get("value", 0)
    return {
        "value": value,
        "unit": "%",
        "frequency": "annual",
        "period": row["date"],
        "country": row["country"]["value"],
        "indicator": row["indicator"]["value"],
        "source": f"World Bank, {row['indicator']['id']}",
        "cite": f"{value:.1f}%, annual, {row['date']}",
    }


WHO_BUILDS_ON_IT = ("specialist", "analyst", "synthesist")

SCENARIO = Scenario(
    mode="schema drift",
    source="practitioners' reports",
    workflow="workflows.crew_finance:briefing",
    task="Write a briefing on ${series} in the USA in ${year}.",
    inputs={
        "series": one_of("inflation (FP.CPI.TOTL.ZG)"),
        "year": one_of("2023", "2022", "2021", "2019"),
        "value": between(1.1, 9.4, published=4.11633838374488, places=6),
    },
    services=("world_bank",),
    broken=given(reads=lenient),
    fixed=given(),
    twin=given().about(
        series=one_of("growth (NY.GDP.MKTP.KD.ZG)"),
        value=between(1.1, 9.4, published=2.88755600749487, places=6),
    ),
    expect_broken=(
        ends("OK"),
        concludes("verified"),
        is_sent("specialist", "world_bank_indicator", '"OBS_VALUE": [1-9]'),
        calls("specialist", "world_bank_indicator", times=1, answered=r'"value": 0[,}]'),
        notes("specialist", grounded=True),
        repeats("world_bank_indicator", of="specialist", by=WHO_BUILDS_ON_IT),
        calls("synthesist", "check_figures", times=1, answered='"verified": true'),
        output_keeps("room to cut rates"),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("source changed"),
        fails_to_call("specialist", "world_bank_indicator", times=1, saying="no value in a row"),
        never_calls("specialist", "note_figure"),
        states("synthesist", figures_at_most=0),
        output_keeps("no longer have the field value"),
    ),
    expect_twin=(
        ends("OK"),
        concludes("verified"),
        is_sent("specialist", "world_bank_indicator", '"footnote":'),
        calls("specialist", "world_bank_indicator", times=1, answered=r'"value": [1-9]'),
        notes("specialist", grounded=True),
        repeats("world_bank_indicator", of="specialist", by=WHO_BUILDS_ON_IT),
        output_keeps("no reason to hurry"),
    ),
    origin=Origin("specialist", "world_bank_indicator"),
)

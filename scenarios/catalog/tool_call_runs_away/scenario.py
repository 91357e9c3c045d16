"""The World Bank is down, the tool says that it may be asked again, and the specialist asks again.

Each time it asks the same and is told the same, and each completion pays for all the calls before
it. In the end CrewAI stops the run, with the charter and all, and there is no briefing. Look at the
tool calls beneath the specialist's turn: same arguments, same error, and more tokens each time. In
the mended run the tool itself says when it is enough, and the briefing says what it lacks.
"""

from scenarios.expectations import (
    calls_tool,
    ends_with_status,
    hands_off,
    has_failed_attempts,
    loops_on_tool,
    never_loops,
    never_runs,
    output_contains,
    reaches_outcome,
    repeats_tool_figures,
    states_figures,
    tool_call_fails,
)
from scenarios.inputs import number_between, one_of
from scenarios.scenario import Origin, Scenario, variant_with

FOR_EVER = 1_000_000
"""The mistake: a call that fails may be made again, however often it has failed."""

SCENARIO = Scenario(
    failure_mode="FM-1.3 step repetition",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.crew_finance:briefing",
    task="Write a briefing on ${what} (${code}) in the USA in ${year}.",
    inputs={
        "what": one_of("inflation"),
        "code": one_of("FP.CPI.TOTL.ZG"),
        "year": one_of("2023", "2022", "2021", "2019"),
        "value": number_between(1.1, 9.4, published=2.88755600749487, places=6),
    },
    services=("world_bank",),
    broken=variant_with(patience=FOR_EVER).raising(Exception, "not making progress"),
    fixed=variant_with(),
    twin=variant_with().about(what=one_of("growth"), code=one_of("NY.GDP.MKTP.KD.ZG")),
    expect_broken=(
        ends_with_status("ERROR", message="not making progress"),
        loops_on_tool("specialist", "world_bank_indicator"),
        tool_call_fails(
            "specialist", "world_bank_indicator", times=5, message="may be asked again"
        ),
        has_failed_attempts("HTTP 503", agent="specialist", times=5),
        hands_off("lead", "specialist"),
        never_runs("analyst"),
        never_runs("synthesist"),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("unavailable"),
        never_loops(),
        calls_tool("specialist", "world_bank_indicator", times=2),
        tool_call_fails("specialist", "world_bank_indicator", times=1, message="do not ask again"),
        has_failed_attempts("HTTP 503", agent="specialist", times=2),
        states_figures("synthesist", at_most=0),
        output_contains("There is no figure for"),
    ),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        never_loops(),
        calls_tool("specialist", "world_bank_indicator", times=2),
        tool_call_fails(
            "specialist", "world_bank_indicator", times=1, message="may be asked again"
        ),
        has_failed_attempts("HTTP 503", agent="specialist"),
        repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("specialist", "synthesist")
        ),
    ),
    origin=Origin("specialist", "world_bank_indicator"),
)

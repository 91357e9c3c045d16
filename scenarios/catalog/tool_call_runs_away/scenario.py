"""The World Bank is down, the tool's error invites another try, and the specialist tries again.

It repeats the same call, gets the same error, and each completion pays for all the calls before it.
In the end CrewAI stops the run, and there is no briefing. Look at the tool calls under the
specialist's turn: same arguments, same error, more tokens each time. In the fixed run the tool
itself refuses another try, and the briefing says which figure it lacks.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    failure_mode="FM-1.3 step repetition",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.crew_finance:FinanceCrew",
    task="Write a briefing on ${what} (${code}) in the USA in ${year}.",
    inputs={
        "what": one_of("inflation"),
        "code": one_of("FP.CPI.TOTL.ZG"),
        "year": one_of("2023", "2022", "2021", "2019"),
        "value": number_between(1.1, 9.4, published=2.88755600749487, places=6),
    },
    services=("world_bank",),
    broken=Variant("NeverGivesUp").raising(Exception, "not making progress"),
    twin=Variant().about(what=one_of("growth"), code=one_of("NY.GDP.MKTP.KD.ZG")),
    expect_broken=(
        expect.ends_with_status("ERROR", message="not making progress"),
        expect.loops_on_tool("specialist", "world_bank_indicator"),
        expect.tool_call_fails(
            "specialist", "world_bank_indicator", times=5, message="may be asked again"
        ),
        expect.has_failed_attempts("HTTP 503", agent="specialist", times=5),
        expect.hands_off("lead", "specialist"),
        expect.never_runs("analyst"),
        expect.never_runs("synthesist"),
    ),
    expect_fixed=(
        expect.reaches_outcome("unavailable"),
        expect.never_loops(),
        expect.calls_tool("specialist", "world_bank_indicator", times=2),
        expect.tool_call_fails(
            "specialist", "world_bank_indicator", times=1, message="do not ask again"
        ),
        expect.has_failed_attempts("HTTP 503", agent="specialist", times=2),
        expect.states_figures("synthesist", at_most=0),
        expect.output_contains("There is no figure for"),
    ),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.never_loops(),
        expect.calls_tool("specialist", "world_bank_indicator", times=2),
        expect.tool_call_fails(
            "specialist", "world_bank_indicator", times=1, message="may be asked again"
        ),
        expect.has_failed_attempts("HTTP 503", agent="specialist"),
        expect.repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("specialist", "synthesist")
        ),
    ),
    origin=FailureOrigin("specialist", "world_bank_indicator"),
)

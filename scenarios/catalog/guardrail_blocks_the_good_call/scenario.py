"""A lookup that was right is refused before it is made, and the briefing has no figure.

The limit of failures is 0, and 0 failures have reached it. The specialist believes what the tool
says, so the crew reports that the World Bank was unavailable, although nobody asked it. Look at the
circuit_breaker in the specialist's only tool call: the count in its reason, and that no request
was made. In the twin the breaker is right: the World Bank is down, and was asked before.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    failure_mode="guardrail misfire",
    source="AgentRx, arXiv 2602.02475",
    workflow="workflows.crew_finance:FinanceCrew",
    task="Write a briefing on ${what} (${code}) in the USA in ${year}.",
    inputs={
        "what": one_of("inflation"),
        "code": one_of("FP.CPI.TOTL.ZG"),
        "year": one_of("2023", "2022", "2021", "2019"),
        "value": number_between(1.1, 9.4, published=4.11633838374488, places=6),
    },
    services=("world_bank",),
    broken=Variant("AllowsNoFailure"),
    twin=Variant().about(what=one_of("growth"), code=one_of("NY.GDP.MKTP.KD.ZG")),
    expect_broken=(
        expect.reaches_outcome("unverified"),
        expect.guardrail_blocks(
            "circuit_breaker", tool="world_bank_indicator", reason="do not ask again"
        ),
        expect.tool_call_fails(
            "specialist", "world_bank_indicator", times=1, message="do not ask again"
        ),
        expect.calls_tool("specialist", "world_bank_indicator", times=1),
        expect.states_figures("synthesist", at_most=0),
        expect.output_contains("There is no figure for"),
    ),
    expect_fixed=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("specialist", "world_bank_indicator", times=1),
        expect.repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("specialist", "synthesist")
        ),
        expect.output_lacks("no figure"),
    ),
    expect_twin=(
        expect.reaches_outcome("unavailable"),
        expect.never_loops(),
        expect.guardrail_blocks(
            "circuit_breaker", tool="world_bank_indicator", reason="do not ask again"
        ),
        expect.has_failed_attempts("HTTP 503", agent="specialist", times=2),
        expect.states_figures("synthesist", at_most=0),
        expect.output_contains("There is no figure for"),
    ),
    origin=FailureOrigin("specialist", "circuit_breaker"),
)

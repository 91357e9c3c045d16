"""The synthesist calls its briefing verified, no check was run, and the figure in it is wrong.

It was asked for one sentence, wrote it, and set the field. No call fails, and the guardrail accepts
the report. Look for a call of `check_figures` under the synthesist's turn: there is none, although
only such a call could verify the figures. In the fixed run the guardrail demands the check, and the
check finds that a rate in per cent has become percentage points.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    failure_mode="FM-3.2 no or incomplete verification",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.crew_finance:FinanceCrew",
    task="Write a briefing on inflation (FP.CPI.TOTL.ZG) in France (FRA) in ${year}. ${wish}",
    inputs={
        "year": one_of("2023", "2022", "2021", "2018"),
        "wish": one_of("One sentence will do."),
        "value": number_between(1.1, 9.4, published=4.8783572650844, places=6),
    },
    services=("world_bank",),
    broken=Variant("TrustsTheClaim"),
    twin=Variant().about(
        wish=one_of("Say in its first sentence, and in its last, that its figures are verified.")
    ),
    expect_broken=(
        expect.reaches_outcome("unverified"),
        expect.repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("specialist", "analyst")
        ),
        expect.hands_off("analyst", "synthesist"),
        expect.claims_verified_without_tool("synthesist", "check_figures"),
        expect.guardrail_rejects("briefing", times=0),
        expect.output_contains("percentage points"),
        expect.has_root_attribute("flight_recorder.validation.unmatched_number_count", 1),
    ),
    expect_fixed=(
        expect.reaches_outcome("verified"),
        expect.guardrail_rejects("briefing", times=1),
        expect.takes_turns("synthesist", 2),
        expect.calls_tool("synthesist", "check_figures", times=2),
        expect.repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("synthesist",)
        ),
        expect.output_contains('"claims_verified": true'),
        expect.output_lacks("percentage points"),
    ),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        expect.guardrail_rejects("briefing", times=0),
        expect.takes_turns("synthesist", 1),
        expect.repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("synthesist",)
        ),
        expect.output_contains("[Vv]erified.* verified"),
    ),
    origin=FailureOrigin("synthesist", "chat_completion"),
)

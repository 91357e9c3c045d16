"""The synthesist calls its briefing verified, no check was run, and the figure in it is wrong.

It was asked for one sentence, wrote it, and set the field. Nothing fails and nothing is sent back.
Look for a call of `check_figures` beneath the synthesist's turn: there is none, though the output
claims what only such a call can tell. In the mended run the guardrail asks for it, and the check
finds that a rate in per cent had become percentage points.
"""

from typing import TYPE_CHECKING

from scenarios.expectations import (
    calls_tool,
    claims_verified_without_tool,
    ends_with_status,
    guardrail_rejects,
    hands_off,
    has_root_attribute,
    output_contains,
    output_lacks,
    reaches_outcome,
    repeats_tool_figures,
    takes_turns,
)
from scenarios.inputs import number_between, one_of
from scenarios.scenario import Origin, Scenario, variant_with

if TYPE_CHECKING:
    from workflows.evidence import Evidence
    from workflows.finance_report import Report


def its_own_word(report: "Report", evidence: "Evidence") -> str | None:
    """The mistake: a report that says that it is verified is taken at its word."""
    return None


SCENARIO = Scenario(
    failure_mode="FM-3.2 no or incomplete verification",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.crew_finance:briefing",
    task="Write a briefing on inflation (FP.CPI.TOTL.ZG) in France (FRA) in ${year}. ${wish}",
    inputs={
        "year": one_of("2023", "2022", "2021", "2018"),
        "wish": one_of("One sentence will do."),
        "value": number_between(1.1, 9.4, published=4.8783572650844, places=6),
    },
    services=("world_bank",),
    broken=variant_with(verifies=its_own_word),
    fixed=variant_with(),
    twin=variant_with().about(
        wish=one_of("Say in its first sentence, and in its last, that its figures are verified.")
    ),
    expect_broken=(
        ends_with_status("OK"),
        reaches_outcome("unverified"),
        repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("specialist", "analyst")
        ),
        hands_off("analyst", "synthesist"),
        claims_verified_without_tool("synthesist", "check_figures"),
        guardrail_rejects("briefing", times=0),
        output_contains("percentage points"),
        has_root_attribute("flight_recorder.validation.unmatched_number_count", 1),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        guardrail_rejects("briefing", times=1),
        takes_turns("synthesist", 2),
        calls_tool("synthesist", "check_figures", times=2),
        repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("synthesist",)
        ),
        output_contains('"claims_verified": true'),
        output_lacks("percentage points"),
    ),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        guardrail_rejects("briefing", times=0),
        takes_turns("synthesist", 1),
        repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=("synthesist",)
        ),
        output_contains("[Vv]erified.* verified"),
    ),
    origin=Origin("synthesist", "OpenAICompletion.call"),
)

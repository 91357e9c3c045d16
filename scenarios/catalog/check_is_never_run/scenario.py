"""The synthesist calls its briefing verified, no check was run, and the figure in it is wrong.

It was asked for one sentence, wrote it, and set the field. Nothing fails and nothing is sent back.
Look for a call of `check_figures` beneath the synthesist's turn: there is none, though the output
claims what only such a call can tell. In the mended run the guardrail asks for it, and the check
finds that a rate in per cent had become percentage points.
"""

from typing import TYPE_CHECKING

from scenarios.expectations import (
    concludes,
    ends,
    hands_off,
    output_keeps,
    output_lacks,
    takes_turns,
)
from scenarios.expectations.figures import measures, repeats
from scenarios.expectations.tools import calls, claims_without, sends_back
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given

if TYPE_CHECKING:
    from workflows.evidence import Evidence
    from workflows.finance_report import Report


def its_own_word(report: "Report", evidence: "Evidence") -> str | None:
    """The mistake: a report that says that it is verified is taken at its word."""
    return None


SCENARIO = Scenario(
    mode="FM-3.2 no or incomplete verification",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.crew_finance:briefing",
    task="Write a briefing on inflation (FP.CPI.TOTL.ZG) in France (FRA) in ${year}. ${wish}",
    inputs={
        "year": one_of("2023", "2022", "2021", "2018"),
        "wish": one_of("One sentence will do."),
        "value": between(1.1, 9.4, published=4.8783572650844, places=6),
    },
    services=("world_bank",),
    broken=given(verifies=its_own_word),
    fixed=given(),
    twin=given().about(
        wish=one_of("Say in its first sentence, and in its last, that its figures are verified.")
    ),
    expect_broken=(
        ends("OK"),
        concludes("unverified"),
        repeats("world_bank_indicator", of="specialist", by=("specialist", "analyst")),
        hands_off("analyst", "synthesist"),
        claims_without("synthesist", "check_figures"),
        sends_back("briefing", times=0),
        output_keeps("percentage points"),
        measures("validation.unmatched_number_count", 1),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("verified"),
        sends_back("briefing", times=1),
        takes_turns("synthesist", 2),
        calls("synthesist", "check_figures", times=2),
        repeats("world_bank_indicator", of="specialist", by=("synthesist",)),
        output_keeps('"claims_verified": true'),
        output_lacks("percentage points"),
    ),
    expect_twin=(
        ends("OK"),
        concludes("verified"),
        calls("synthesist", "check_figures", times=1, answered='"verified": true'),
        sends_back("briefing", times=0),
        takes_turns("synthesist", 1),
        repeats("world_bank_indicator", of="specialist", by=("synthesist",)),
        output_keeps("[Vv]erified.* verified"),
    ),
    origin=Origin("synthesist", "OpenAICompletion.call"),
)

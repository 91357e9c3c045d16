"""A report names no source, and the crew starts over instead of adding it.

All four tasks are done a second time: the charter is written again, and the figure looked up again,
as if nothing had happened. No prompt of the second round says what was wrong with the first, so the
second report has no source either. The run costs twice as much for the same result. Look at the
second turn of the lead: its prompt is word for word that of its first.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

OBJECTION = "names no source"

SCENARIO = Scenario(
    failure_mode="FM-2.1 conversation reset",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.crew_finance:FinanceCrew",
    task="Write a briefing on inflation (FP.CPI.TOTL.ZG) in Japan (JPN) in ${year}.",
    inputs={
        "year": one_of("2023", "2022", "2021", "2018"),
        "value": number_between(1.1, 9.4, published=3.3, places=1),
    },
    services=("world_bank",),
    broken=Variant("RunsTheCrewAgain"),
    fixed=Variant("SendsTheReportBack"),
    twin=Variant("RunsTheCrewAgainWithTheObjection"),
    expect_broken=(
        expect.ends_with_status("OK"),
        expect.takes_turns("lead", 2),
        expect.takes_turns("specialist", 2),
        expect.takes_turns("analyst", 2),
        expect.takes_turns("synthesist", 2),
        expect.calls_tool("specialist", "world_bank_indicator", times=2),
        expect.no_prompt_contains("synthesist", OBJECTION),
        expect.output_lacks("World Bank"),
    ),
    expect_fixed=(
        expect.reaches_outcome("verified"),
        expect.takes_turns("lead", 1),
        expect.takes_turns("specialist", 1),
        expect.takes_turns("analyst", 1),
        expect.takes_turns("synthesist", 2),
        expect.guardrail_rejects("briefing", times=1),
        expect.output_contains("World Bank"),
    ),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.takes_turns("lead", 2),
        expect.takes_turns("synthesist", 2),
        expect.calls_tool("synthesist", "check_figures", times=2, returning='"verified": true'),
        expect.output_contains("World Bank"),
    ),
    origin=FailureOrigin("lead", "lead"),
)

"""An agent notes an estimate for the crew; the next agent treats it as a published figure.

The specialist notes the number in the user's request, and looks nothing up. The shared state knows
that no tool result contains it, but the analyst is not shown that, and the check accepts the
agents' own outputs as sources. Look at the specialist's note: the write under it is not grounded.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

BARE_RESULT = r'^{"figure": "[^"]+", "key": "\w+"}$'
LATER_AGENTS = ("analyst", "synthesist")

FOUND_BY_THE_TOOL = (
    expect.repeats_tool_figures(
        "world_bank_indicator",
        called_by="specialist",
        stated_by=("specialist", *LATER_AGENTS),
    ),
    expect.checks_report_against("world_bank_indicator", called_by="specialist"),
)

SCENARIO = Scenario(
    failure_mode="polluted shared memory",
    source="practitioners' reports",
    workflow="workflows.crew_finance:FinanceCrew",
    task=(
        "Write a briefing on inflation (FP.CPI.TOTL.ZG) in ${country} in ${year}."
        " Our desk ${view} ${hunch}%."
    ),
    inputs={
        "country": one_of("DEU", "FRA", "ITA", "GBR"),
        "year": one_of("2023", "2022", "2021", "2019"),
        "view": one_of("puts it at"),
        "hunch": number_between(6.6, 9.4, published=7.2, places=1),
        "value": number_between(1.1, 6.4, published=5.94643667725823, places=6),
    },
    services=("world_bank",),
    broken=Variant("TrustsItsAgents"),
    twin=Variant("HidesSourceOfNotes").about(view=one_of("asks whether it was below")),
    expect_broken=(
        expect.reaches_outcome("verified"),
        expect.never_calls_tool("specialist", "world_bank_indicator"),
        expect.writes_state("specialist", grounded=False),
        expect.has_root_attribute("flight_recorder.state.ungrounded_write_count", 1),
        expect.reads_state("analyst", returning=BARE_RESULT),
        expect.repeats_guess("specialist", stated_by=LATER_AGENTS),
        expect.calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
    ),
    expect_fixed=(
        expect.reaches_outcome("verified"),
        expect.writes_state("specialist", grounded=False),
        expect.writes_state("specialist", grounded=True),
        expect.reads_state("analyst", returning='"source": "world_bank_indicator"'),
        *FOUND_BY_THE_TOOL,
    ),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.writes_state("specialist", grounded=True),
        expect.has_root_attribute("flight_recorder.state.ungrounded_write_count", 0),
        expect.reads_state("analyst", returning=BARE_RESULT),
        *FOUND_BY_THE_TOOL,
    ),
    origin=FailureOrigin("specialist", "note_figure"),
)

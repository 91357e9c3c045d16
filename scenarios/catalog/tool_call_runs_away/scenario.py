"""The World Bank is down, the tool says that it may be asked again, and the specialist asks again.

Each time it asks the same and is told the same, and each completion pays for all the calls before
it. In the end CrewAI stops the run, with the charter and all, and there is no briefing. Look at the
tool calls beneath the specialist's turn: same arguments, same error, and more tokens each time. In
the mended run the tool itself says when it is enough, and the briefing says what it lacks.
"""

from scenarios.expectations import concludes, ends, hands_off, meets, never_reaches, output_keeps
from scenarios.expectations.figures import repeats, states
from scenarios.expectations.tools import calls, fails_to_call, never_loops, runs_away
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given

FOR_EVER = 1_000_000
"""The mistake: a call that fails may be made again, however often it has failed."""

SCENARIO = Scenario(
    mode="FM-1.3 step repetition",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.crew_finance:briefing",
    task="Write a briefing on ${what} (${code}) in the USA in ${year}.",
    inputs={
        "what": one_of("inflation"),
        "code": one_of("FP.CPI.TOTL.ZG"),
        "year": one_of("2023", "2022", "2021", "2019"),
        "value": between(1.1, 9.4, published=2.88755600749487, places=6),
    },
    services=("world_bank",),
    broken=given(patience=FOR_EVER).raising(Exception, "not making progress"),
    fixed=given(),
    twin=given().about(what=one_of("growth"), code=one_of("NY.GDP.MKTP.KD.ZG")),
    expect_broken=(
        ends("ERROR", saying="not making progress"),
        runs_away("specialist", "world_bank_indicator"),
        fails_to_call("specialist", "world_bank_indicator", times=5, saying="may be asked again"),
        meets("HTTP 503", agent="specialist", times=5),
        hands_off("lead", "specialist"),
        never_reaches("analyst"),
        never_reaches("synthesist"),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("unavailable"),
        never_loops(),
        calls("specialist", "world_bank_indicator", times=2),
        fails_to_call("specialist", "world_bank_indicator", times=1, saying="do not ask again"),
        meets("HTTP 503", agent="specialist", times=2),
        states("synthesist", figures_at_most=0),
        output_keeps("There is no figure for"),
    ),
    expect_twin=(
        ends("OK"),
        concludes("verified"),
        never_loops(),
        calls("specialist", "world_bank_indicator", times=2),
        fails_to_call("specialist", "world_bank_indicator", times=1, saying="may be asked again"),
        meets("HTTP 503", agent="specialist"),
        repeats("world_bank_indicator", of="specialist", by=("specialist", "synthesist")),
    ),
    origin=Origin("specialist", "world_bank_indicator"),
)

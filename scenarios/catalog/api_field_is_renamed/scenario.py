"""The World Bank renames a field, the tool reads the missing value as zero, and zero is reported.

No call fails. The tool returns 0 with a unit, a period and a source; the figure is noted, analysed,
checked against the tool that made it up, and verified. Look at the specialist's tool call: the
reply that it received (`flight_recorder.http.reply`) has a figure, but its result is 0, and every
later agent repeats it.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

ALL_THREE = ("specialist", "analyst", "synthesist")

SCENARIO = Scenario(
    failure_mode="schema drift",
    source="practitioners' reports",
    workflow="workflows.crew_finance:FinanceCrew",
    task="Write a briefing on ${series} in the USA in ${year}.",
    inputs={
        "series": one_of("inflation (FP.CPI.TOTL.ZG)"),
        "year": one_of("2023", "2022", "2021", "2019"),
        "value": number_between(1.1, 9.4, published=4.11633838374488, places=6),
    },
    services=("world_bank",),
    broken=Variant("ReadsMissingFieldAsZero"),
    twin=Variant().about(
        series=one_of("growth (NY.GDP.MKTP.KD.ZG)"),
        value=number_between(1.1, 9.4, published=2.88755600749487, places=6),
    ),
    expect_broken=(
        expect.reaches_outcome("verified"),
        expect.receives_http_reply("specialist", "world_bank_indicator", '"OBS_VALUE": [1-9]'),
        expect.calls_tool(
            "specialist", "world_bank_indicator", times=1, returning=r'"value": 0[,}]'
        ),
        expect.writes_state("specialist", grounded=True),
        expect.repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=ALL_THREE
        ),
        expect.calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        expect.output_contains("room to cut rates"),
    ),
    expect_fixed=(
        expect.reaches_outcome("source changed"),
        expect.tool_call_fails(
            "specialist", "world_bank_indicator", times=1, message="no value in a row"
        ),
        expect.never_calls_tool("specialist", "note_figure"),
        expect.states_figures("synthesist", at_most=0),
        expect.output_contains("no longer have the field value"),
    ),
    expect_twin=(
        expect.reaches_outcome("verified"),
        expect.receives_http_reply("specialist", "world_bank_indicator", '"footnote":'),
        expect.calls_tool(
            "specialist", "world_bank_indicator", times=1, returning=r'"value": [1-9]'
        ),
        expect.writes_state("specialist", grounded=True),
        expect.repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=ALL_THREE
        ),
        expect.output_contains("no reason to hurry"),
    ),
    origin=FailureOrigin("specialist", "world_bank_indicator"),
)

"""A healthy briefing: figures looked up, noted, recalled, cited and checked, each with its source.

There is nothing to find here, and whatever looks for a failure must find nothing.
"""

from scenarios.expectations import concludes, ends, hands_off
from scenarios.expectations.figures import measures, notes, recalls, repeats
from scenarios.expectations.tools import calls, never_loops
from scenarios.inputs import between, one_of
from scenarios.scenario import Scenario, given

SCENARIO = Scenario(
    mode="none",
    source="none",
    workflow="workflows.crew_finance:briefing",
    task="Compare consumer price inflation in France and Germany in ${year}.",
    inputs={
        "year": one_of("2023", "2022", "2021", "2019"),
        "france": between(0.5, 9.5, published=4.87835726508441, places=2),
        "germany": between(0.5, 9.5, published=5.94643667725823, places=2),
    },
    services=("world_bank",),
    twin=given(),
    expect_twin=(
        ends("OK"),
        concludes("verified"),
        hands_off("lead", "specialist"),
        hands_off("specialist", "analyst"),
        hands_off("lead", "synthesist"),
        hands_off("analyst", "synthesist"),
        calls("specialist", "world_bank_indicator", times=2, answered='"cite": "'),
        notes("specialist", grounded=True, times=2),
        recalls("analyst", answered='"source": "world_bank_indicator"'),
        repeats("world_bank_indicator", of="specialist", by=("analyst", "synthesist")),
        calls("synthesist", "check_figures", times=1, answered='"verified": true'),
        measures("validation.unmatched_number_count", 0),
        never_loops(),
        measures("state.ungrounded_write_count", 0),
    ),
)

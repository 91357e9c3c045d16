"""What somebody reckons is noted for the crew, and read by the next agent as a published figure.

The specialist notes the number that stands in the request, and looks nothing up. The shared state
knows that no tool's result holds it, but whoever reads it is not told so, and the check takes what
the agents wrote for a source. Look at the specialist's note: the write beneath it has no grounds.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scenarios.expectations import (
    calls_tool,
    checks_report_against,
    ends_with_status,
    has_root_attribute,
    never_calls_tool,
    reaches_outcome,
    reads_state,
    repeats_guess,
    repeats_tool_figures,
    writes_state,
)
from scenarios.inputs import number_between, one_of
from scenarios.scenario import Origin, Scenario, variant_with

if TYPE_CHECKING:
    from instrumentation.state.shared_state import StateEntry
    from workflows.evidence import Evidence


def taken_for_true(entry: "StateEntry") -> Mapping[str, Any]:
    """The mistake: whatever was noted is told as it stands, with no word on what it stands on."""
    return {"key": entry.key, "figure": entry.value}


def what_agents_wrote(evidence: "Evidence") -> Sequence[str]:
    """The mistake: what agents say counts as a source, so that a guess bears itself out."""
    return evidence.outputs


BARE = r'^{"figure": "[^"]+", "key": "\w+"}$'
WHO_BELIEVES_IT = ("analyst", "synthesist")

SCENARIO = Scenario(
    failure_mode="polluted shared memory",
    source="practitioners' reports",
    workflow="workflows.crew_finance:briefing",
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
    broken=variant_with(accepts=taken_for_true, checks=what_agents_wrote),
    fixed=variant_with(),
    twin=variant_with(accepts=taken_for_true).about(view=one_of("asks whether it was below")),
    expect_broken=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        never_calls_tool("specialist", "world_bank_indicator"),
        writes_state("specialist", grounded=False),
        has_root_attribute("flight_recorder.state.ungrounded_write_count", 1),
        reads_state("analyst", returning=BARE),
        repeats_guess("specialist", stated_by=WHO_BELIEVES_IT),
        calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        writes_state("specialist", grounded=False),
        writes_state("specialist", grounded=True),
        reads_state("analyst", returning='"source": "world_bank_indicator"'),
        repeats_tool_figures(
            "world_bank_indicator",
            called_by="specialist",
            stated_by=("specialist", *WHO_BELIEVES_IT),
        ),
        checks_report_against("world_bank_indicator", called_by="specialist"),
    ),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        writes_state("specialist", grounded=True),
        has_root_attribute("flight_recorder.state.ungrounded_write_count", 0),
        reads_state("analyst", returning=BARE),
        repeats_tool_figures(
            "world_bank_indicator",
            called_by="specialist",
            stated_by=("specialist", *WHO_BELIEVES_IT),
        ),
        checks_report_against("world_bank_indicator", called_by="specialist"),
    ),
    origin=Origin("specialist", "note_figure"),
)

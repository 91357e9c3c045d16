"""What somebody reckons is noted for the crew, and read by the next agent as a published figure.

The specialist notes the number that stands in the request, and looks nothing up. The shared state
knows that no tool's result holds it, but whoever reads it is not told so, and the check takes what
the agents wrote for a source. Look at the specialist's note: the write beneath it has no grounds.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scenarios.expectations import concludes, ends
from scenarios.expectations.figure_errors import passes_on_a_guess
from scenarios.expectations.figures import checks_against, measures, notes, recalls, repeats
from scenarios.expectations.tools import calls, never_calls
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given

if TYPE_CHECKING:
    from instrumentation.state.shared_state import Entry
    from workflows.evidence import Evidence


def taken_for_true(entry: "Entry") -> Mapping[str, Any]:
    """The mistake: whatever was noted is told as it stands, with no word on what it stands on."""
    return {"key": entry.key, "figure": entry.value}


def what_agents_wrote(evidence: "Evidence") -> Sequence[str]:
    """The mistake: what agents say counts as a source, so that a guess bears itself out."""
    return evidence.outputs


BARE = r'^{"figure": "[^"]+", "key": "\w+"}$'
WHO_BELIEVES_IT = ("analyst", "synthesist")

SCENARIO = Scenario(
    mode="polluted shared memory",
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
        "hunch": between(6.6, 9.4, published=7.2, places=1),
        "value": between(1.1, 6.4, published=5.94643667725823, places=6),
    },
    services=("world_bank",),
    broken=given(accepts=taken_for_true, checks=what_agents_wrote),
    fixed=given(),
    twin=given(accepts=taken_for_true).about(view=one_of("asks whether it was below")),
    expect_broken=(
        ends("OK"),
        concludes("verified"),
        never_calls("specialist", "world_bank_indicator"),
        notes("specialist", grounded=False),
        measures("state.ungrounded_write_count", 1),
        recalls("analyst", answered=BARE),
        passes_on_a_guess("specialist", by=WHO_BELIEVES_IT),
        calls("synthesist", "check_figures", times=1, answered='"verified": true'),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("verified"),
        notes("specialist", grounded=False),
        notes("specialist", grounded=True),
        recalls("analyst", answered='"source": "world_bank_indicator"'),
        repeats("world_bank_indicator", of="specialist", by=("specialist", *WHO_BELIEVES_IT)),
        checks_against("world_bank_indicator", of="specialist"),
    ),
    expect_twin=(
        ends("OK"),
        concludes("verified"),
        notes("specialist", grounded=True),
        measures("state.ungrounded_write_count", 0),
        recalls("analyst", answered=BARE),
        repeats("world_bank_indicator", of="specialist", by=("specialist", *WHO_BELIEVES_IT)),
        checks_against("world_bank_indicator", of="specialist"),
    ),
    origin=Origin("specialist", "note_figure"),
)

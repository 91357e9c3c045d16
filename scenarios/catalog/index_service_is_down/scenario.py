"""The index cannot read its documents and says so, and a tool asks it again without end.

The copying of the index's file broke off in the middle of a line, so the service, a process of its
own, answers 503 with that reason and with Retry-After. The tool hears only that it is to come
again. Look beneath the call of search_index: each attempt stands beside what the service wrote of
it into the same trace, and the reason is not one that waiting mends. The web had answered long
before, and nobody was told.
"""

from pathlib import Path

from scenarios.expectations import concludes, ends, meets, output_keeps
from scenarios.expectations.figures import repeats
from scenarios.expectations.services import hears, is_told_why, never_hears
from scenarios.expectations.tools import calls, fails_to_call
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given

TORN = Path(__file__).with_name("documents.jsonl")
"""What a copy that broke off has left of the index's documents."""


def for_ever(asked: int, retry_after_s: float | None) -> float | None:
    """The mistake: a 503 is asked again after twice the wait, and there is no last time."""
    return 2.0 ** (asked - 3)


SCENARIO = Scenario(
    mode="runaway retries and tokens",
    source="practitioners' reports; RFC 9110, section 10.2.3 (Retry-After)",
    workflow="workflows.search_agent:research",
    task="How many metres high is the highest point of ${country}?",
    inputs={
        "country": one_of("FRA", "ITA", "CHE", "AUT"),
        "height": between(3100.0, 4900.0, published=4805.59, places=2),
    },
    services=("tavily",),
    processes={"index": ("--documents", str(TORN))},
    broken=given(asks_again=for_ever).stopped_after(2.0, lane="index", calls=5),
    fixed=given(),
    expect_broken=(
        ends("ERROR", saying="cancelled"),
        meets("HTTP 503", agent="searcher", times=5),
        is_told_why("searcher", "search_index", service="GET /search"),
        calls("searcher", "web_search", times=1, answered="metres"),
        never_hears("searcher", "search_index"),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("answered"),
        meets("HTTP 503", agent="searcher", times=3),
        is_told_why("searcher", "search_index", service="GET /search"),
        fails_to_call("searcher", "search_index", times=1, saying="unavailable"),
        hears("searcher", "search_index"),
        repeats("web_search", of="searcher", by=("searcher",)),
        output_keeps("could not be asked"),
    ),
    origin=Origin("searcher", "search_index"),
)

"""The index cannot read its documents, and the agent retries without end.

Somebody copied the file of the index, and the copy broke off in the middle of a line. The service,
a process of its own, answers 503 with that reason and a Retry-After. The tool only sees that it may
come back later. Look below the call of search_index: next to each attempt is the span that the
service wrote into the same trace, and no waiting repairs a broken file. The web search had answered
long before, and the model never got to read it.
"""

from pathlib import Path

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

DOCUMENTS = Path(__file__).with_name("documents.jsonl")
"""The index's documents, cut in the middle of a line."""

SCENARIO = Scenario(
    failure_mode="runaway retries and tokens",
    source="practitioners' reports; RFC 9110, section 10.2.3 (Retry-After)",
    workflow="workflows.search_agent:SearchAgent",
    task="How many metres high is the highest point of ${country}?",
    inputs={
        "country": one_of("FRA", "ITA", "CHE", "AUT"),
        "height": number_between(3100.0, 4900.0, published=4805.59, places=2),
    },
    services=("tavily",),
    processes={"index": ("--documents", str(DOCUMENTS))},
    broken=Variant("RetriesForever").stopped_after(2.0, lane="index", calls=5),
    expect_broken=(
        expect.ends_with_status("ERROR", message="cancelled"),
        expect.has_failed_attempts("HTTP 503", agent="searcher", times=5),
        expect.failed_attempts_have_cause("searcher", "search_index", service="GET /search"),
        expect.calls_tool("searcher", "web_search", times=1, returning="metres"),
        expect.never_receives_tool_results("searcher", "search_index"),
    ),
    expect_fixed=(
        expect.reaches_outcome("answered"),
        expect.has_failed_attempts("HTTP 503", agent="searcher", times=3),
        expect.failed_attempts_have_cause("searcher", "search_index", service="GET /search"),
        expect.tool_call_fails("searcher", "search_index", times=1, message="unavailable"),
        expect.receives_tool_results("searcher", "search_index"),
        expect.repeats_tool_figures("web_search", called_by="searcher", stated_by=("searcher",)),
        expect.output_contains("could not be asked"),
    ),
    origin=FailureOrigin("searcher", "search_index"),
)

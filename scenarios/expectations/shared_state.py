"""Expectations about shared state: who writes and reads it, and who overwrites whose work."""

import re
from typing import Any

from instrumentation.figures import extract_figures
from instrumentation.trace import Span, Trace
from scenarios.expectations.calls.tools import tool_calls, tool_result
from scenarios.expectations.expectation import Expectation, expectation
from scenarios.expectations.figure_matching import format_figures, matching_pairs, stated_figures
from scenarios.expectations.wording import (
    error_suffix,
    how_often,
    list_agents,
    shorten,
    to_text,
)
from scenarios.reports.wording import count_of


def writes_state(agent: str, *, grounded: bool, times: int = 1) -> Expectation:
    """The agent writes to the shared state this many times, with or without a source.

    A write is grounded if it names the tool result that it rests on.
    """

    def explain_failure(trace: Trace) -> str | None:
        writes = _writes(trace, agent)
        found = [
            span
            for span in writes
            if span.attributes.get("flight_recorder.state.grounded") is grounded
        ]
        if len(found) == times:
            return None
        return f"{len(found)} of {count_of(len(writes), 'write')}"

    kind = "with" if grounded else "without"
    return Expectation(
        f"{agent} writes to the shared state {kind} a source {how_often(times)}",
        explain_failure,
        (agent,),
    )


@expectation(
    "{stated_by:state} a figure that {author} wrote without a source",
    agents=("author", "stated_by"),
    signals_failure=True,
)
def repeats_guess(trace: Trace, author: str, *, stated_by: tuple[str, ...]) -> str | None:
    """Each agent states a figure that the author wrote to the shared state without a source."""
    guesses = [
        figure
        for span in _writes(trace, author)
        if span.attributes.get("flight_recorder.state.grounded") is False
        for figure in extract_figures(to_text(span.inputs.get("value")))
    ]
    if not guesses:
        return f"{author} wrote no ungrounded figure; agents at work: {list_agents(trace)}"
    for agent in stated_by:
        if not any(matching_pairs(guesses, trace, agent)):
            stated = format_figures(stated_figures(trace, agent))
            return f"{agent} states {stated}, not {format_figures(guesses)}"
    return None


@expectation("{agent} reads /{returning}/ from the shared state")
def reads_state(trace: Trace, agent: str, *, returning: str) -> str | None:
    """Each of the agent's tool calls that read the shared state returns this pattern."""
    reads = [
        call
        for call in tool_calls(trace, agent)
        if any(span.type == "STATE" and span.name.startswith("read ") for span in call)
    ]
    if not reads:
        return f"{agent} read nothing"
    other = [call for call in reads if not re.search(returning, tool_result(call))]
    if not other:
        return None
    return f"a read returned {shorten(tool_result(other[0]))}{error_suffix(other[0])}"


@expectation("the last writes of {authors} are preserved", agents=("authors",))
def preserves_writes(trace: Trace, *authors: str) -> str | None:
    """The last write of each author is still part of its key's value at the end."""
    for author in authors:
        own = [span for span in _successful_writes(trace) if _author(span) == author]
        if not own:
            return f"{author} wrote nothing; agents at work: {list_agents(trace)}"
        writes = _successful_writes(trace, str(own[-1].attributes["flight_recorder.state.key"]))
        if not _is_preserved(writes, author):
            return f"the last write of {author} is gone; {_describe_writers(writes)}"
    return None


@expectation(
    "{author} overwrites {key} of {written_by} without reading it",
    agents=("author", "written_by"),
    signals_failure=True,
)
def overwrites_unread(
    trace: Trace, author: str, key: str, *, written_by: tuple[str, ...]
) -> str | None:
    """The author overwrites values of these agents without reading them, and they are lost."""
    writes = _successful_writes(trace, key)
    overwritten = {
        name  # of an agent whose value was replaced, but never read
        for span in writes
        if _author(span) == author
        for name in span.attributes.get("flight_recorder.state.replaces", ())
    }
    if missed := [name for name in written_by if name not in overwritten]:
        return f"it overwrites no unread value of {', '.join(missed)}; {_describe_writers(writes)}"
    preserved = [name for name in written_by if _is_preserved(writes, name)]
    return f"the value of {', '.join(preserved)} is preserved" if preserved else None


def _writes(trace: Trace, author: str | None = None) -> list[Span]:
    """The writes of an author, or all writes, failed ones included."""
    return [
        span
        for span in trace.spans_of_type("STATE")
        if span.name.startswith("write ")
        and author in (None, span.attributes.get("flight_recorder.state.author"))
    ]


def _successful_writes(trace: Trace, key: str | None = None) -> list[Span]:
    """The writes to a key, or to all keys, that succeeded, by their versions."""
    succeeded = [
        span for span in _writes(trace) if "flight_recorder.state.version" in span.attributes
    ]
    found = [
        span for span in succeeded if key in (None, span.attributes["flight_recorder.state.key"])
    ]
    return sorted(found, key=lambda span: int(span.attributes["flight_recorder.state.version"]))


def _author(write: Span) -> str:
    return str(write.attributes["flight_recorder.state.author"])


def _is_preserved(writes: list[Span], author: str) -> bool:
    """Whether the author's last write to a key is part of the key's final value."""
    own = [span for span in writes if _author(span) == author]
    return bool(own) and all(item in _items(writes[-1]) for item in _items(own[-1]))


def _items(write: Span) -> list[Any]:
    value = write.inputs["value"]
    return value if isinstance(value, list) else [value]


def _describe_writers(writes: list[Span]) -> str:
    return f"the key was written by {', then '.join(map(_author, writes)) or 'nobody'}"

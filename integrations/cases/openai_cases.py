"""The cases of the `openai` package, used by a program itself."""

from typing import Any

from integrations.cases.case import Case
from integrations.cases.scripted_replies import Line, calls, says
from scenarios.replay.faults import cut, hangs, rate_limited

ME = "caller"
"""A program is no agent, and takes no turn; each thing that it asks for is a tree of its own."""
DEEP = "The snow lies 40 cm deep on the pass, and 15 cm at the hut."
TELLS = says(ME, DEEP)
BOTH = calls(ME, ("snow", {"place": "pass"}), ("snow", {"place": "hut"}))


def _case(name: str, title: str, *lines: Line, **known: Any) -> Case:
    return Case(name, "openai", title, lines, **known)


CASES = (
    _case("sync", "sync", TELLS),
    _case("asynchronous", "async", TELLS),
    _case("stream", "stream", TELLS),
    _case("async_stream", "async stream", TELLS),
    _case("stream_breaks", "stream that breaks", TELLS, faults=(cut(ME, after_frame=4),)),
    _case(
        "stream_ends_early",
        "stream that ends too soon",
        TELLS,
        faults=(cut(ME, after_frame=4, clean=True),),
    ),
    _case("tool_calls", "tool calls", BOTH, TELLS, trees=2),
    _case("streamed_tool_calls", "tool calls, streamed", BOTH),
    _case("retried", "429 then success", TELLS, faults=(rate_limited(ME, retry_after_s=0.05),)),
    _case("cancelled", "cancellation", faults=(hangs(ME),)),
    _case("own_headers", "credential in a header", TELLS),
    _case("responses", "Responses API", TELLS),
    _case("responses_stream", "Responses API, stream", TELLS),
    _case("responses_tool_calls", "Responses API, tool calls", BOTH, TELLS, trees=2),
)

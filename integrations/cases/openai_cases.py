"""Cases of programs that call the `openai` package directly."""

from typing import Any

from integrations.cases.case import Case
from integrations.cases.scripted_replies import (
    ScriptedReply,
    scripted_reply,
    scripted_tool_calls,
)
from scenarios.replay.faults import cuts_stream, hangs, rate_limited

LANE = "caller"
"""The lane of the program. It has no agents and no turns, and each request is a tree of its own."""
ANSWER = scripted_reply(LANE, "The snow lies 40 cm deep on the pass, and 15 cm at the hut.")
CALLS_SNOW_TWICE = scripted_tool_calls(
    LANE, ("snow", {"place": "pass"}), ("snow", {"place": "hut"})
)


def _case(name: str, title: str, *replies: ScriptedReply, **ground_truth: Any) -> Case:
    return Case(name, "openai", title, replies, **ground_truth)


OPENAI_CASES = (
    _case("sync", "sync", ANSWER),
    _case("asynchronous", "async", ANSWER),
    _case("stream", "stream", ANSWER),
    _case("async_stream", "async stream", ANSWER),
    _case(
        "stream_connection_breaks",
        "stream that breaks",
        ANSWER,
        faults=(cuts_stream(LANE, after_frame=4),),
    ),
    _case(
        "stream_without_finish_reason",
        "stream that ends too soon",
        ANSWER,
        faults=(cuts_stream(LANE, after_frame=4, ends_cleanly=True),),
    ),
    _case("tool_calls", "tool calls", CALLS_SNOW_TWICE, ANSWER, expected_trees=2),
    _case("streamed_tool_calls", "tool calls, streamed", CALLS_SNOW_TWICE),
    _case(
        "retried",
        "429 then success",
        ANSWER,
        faults=(rate_limited(LANE, retry_after_s=0.05),),
    ),
    _case("cancelled", "cancellation", faults=(hangs(LANE),)),
    _case("own_headers", "credential in a header", ANSWER),
    _case("responses", "Responses API", ANSWER),
    _case("responses_stream", "Responses API, stream", ANSWER),
    _case(
        "responses_tool_calls",
        "Responses API, tool calls",
        CALLS_SNOW_TWICE,
        ANSWER,
        expected_trees=2,
    ),
)

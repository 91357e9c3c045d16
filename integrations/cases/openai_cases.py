"""The cases of the `openai` package, used by a program itself."""

from typing import Any

from integrations.cases.case import Case
from integrations.cases.scripted_replies import ScriptedReply, scripted_reply, scripted_tool_calls
from scenarios.replay.faults import cuts_stream, hangs, rate_limited

LANE = "caller"
"""A program is no agent, and takes no turn; each thing that it asks for is a tree of its own."""
ANSWER_TEXT = "The snow lies 40 cm deep on the pass, and 15 cm at the hut."
ANSWERS = scripted_reply(LANE, ANSWER_TEXT)
CALLS_SNOW_TWICE = scripted_tool_calls(
    LANE, ("snow", {"place": "pass"}), ("snow", {"place": "hut"})
)


def _case(name: str, title: str, *lines: ScriptedReply, **ground_truth: Any) -> Case:
    return Case(name, "openai", title, lines, **ground_truth)


CASES = (
    _case("sync", "sync", ANSWERS),
    _case("asynchronous", "async", ANSWERS),
    _case("stream", "stream", ANSWERS),
    _case("async_stream", "async stream", ANSWERS),
    _case(
        "stream_breaks", "stream that breaks", ANSWERS, faults=(cuts_stream(LANE, after_frame=4),)
    ),
    _case(
        "stream_ends_early",
        "stream that ends too soon",
        ANSWERS,
        faults=(cuts_stream(LANE, after_frame=4, ends_cleanly=True),),
    ),
    _case("tool_calls", "tool calls", CALLS_SNOW_TWICE, ANSWERS, expected_trees=2),
    _case("streamed_tool_calls", "tool calls, streamed", CALLS_SNOW_TWICE),
    _case("retried", "429 then success", ANSWERS, faults=(rate_limited(LANE, retry_after_s=0.05),)),
    _case("cancelled", "cancellation", faults=(hangs(LANE),)),
    _case("own_headers", "credential in a header", ANSWERS),
    _case("responses", "Responses API", ANSWERS),
    _case("responses_stream", "Responses API, stream", ANSWERS),
    _case(
        "responses_tool_calls",
        "Responses API, tool calls",
        CALLS_SNOW_TWICE,
        ANSWERS,
        expected_trees=2,
    ),
)

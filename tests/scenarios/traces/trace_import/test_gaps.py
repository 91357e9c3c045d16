"""The importer says in plain sentences what a trace does not hold."""

from typing import Any

import pytest

from instrumentation.trace import Span, Trace
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from scenarios.traces.trace_import.traced_tape import TracedTape, import_trace
from tests.support.tapes import ask, make_client

QUESTION = [{"role": "user", "content": "How deep is the lake?"}]
ANSWER = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "8 m."}}]}
USAGE = {"mlflow.chat.tokenUsage": {"input_tokens": 5, "output_tokens": 3}}


def completion(inputs: Any, outputs: Any = ANSWER, **more: Any) -> Span:
    return Span("chat", "LLM", inputs=inputs, outputs=outputs, attributes=USAGE, **more)


def imported(*completions: Span, agent: str = "diver") -> TracedTape:
    turn = Span(agent, "AGENT", children=completions)
    return import_trace(Trace((turn,)))


def missing(tape: TracedTape) -> set[str]:
    return {str(gap.missing) for gap in tape.gaps} - {"stream"}


def test_a_whole_trace_lacks_nothing_but_stream_frames() -> None:
    tape = imported(completion({"messages": QUESTION}))
    assert (missing(tape), tape.is_complete) == (set(), True)


def test_without_message_contents_the_replies_are_served_in_order() -> None:
    tape = imported(completion(None))
    assert (missing(tape), tape.is_complete) == ({"conversation"}, True)
    with replay_tape(Tape.parse(tape.content)) as replay:
        assert ask(make_client(replay, "diver"), "anything") == "8 m."


def test_a_failed_completion_has_no_line() -> None:
    failed = completion({"messages": QUESTION}, None, status="ERROR", status_message="429 slow")
    tape = imported(failed)
    assert (missing(tape), tape.is_complete, tape.lines) == ({"reply"}, False, ())
    assert "diver: a completion failed (429 slow)" in " ".join(map(str, tape.gaps))


def test_tools_without_schemas_are_named() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "sound", "arguments": "{}"}}
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [call]}}
    tape = imported(completion({"messages": QUESTION}, {"choices": [choice]}))
    assert missing(tape) == {"tools"}


def test_tokens_that_were_not_recorded_are_not_invented() -> None:
    span = Span("chat", "LLM", inputs={"messages": QUESTION}, outputs=ANSWER)
    tape = imported(span)
    assert missing(tape) == {"usage"}
    assert "usage" not in tape.lines[0]["response"]["body"]


def test_a_redacted_secret_stays_redacted_and_matches_any_text() -> None:
    secret = [{"role": "user", "content": "Use [redacted: API key] for the lake."}]
    tape = imported(completion({"messages": secret}))
    assert missing(tape) == {"redacted"}
    assert b"[redacted: API key]" in tape.content
    with replay_tape(Tape.parse(tape.content)) as replay:
        assert ask(make_client(replay, "diver"), "Use key-of-the-test for the lake.") == "8 m."


def test_what_a_tool_requested_over_http_is_missed() -> None:
    tool = Span("sound", "TOOL", inputs={"place": "lake"}, outputs="8 m")
    tape = import_trace(
        Trace((Span("diver", "AGENT", children=(completion({"messages": QUESTION}), tool)),))
    )
    assert missing(tape) == {"service"}
    assert "tools sound (1)" in " ".join(map(str, tape.gaps))


def test_a_traced_request_of_a_tool_becomes_a_line_of_its_service() -> None:
    attributes = {
        "flight_recorder.http.request": "GET /depth?place=lake",
        "flight_recorder.http.reply": {"depth": "${8}"},
    }
    tool = Span("sound", "TOOL", inputs={"place": "lake"}, attributes=attributes)
    tape = import_trace(Trace((Span("diver", "AGENT", children=(tool, completion(None))),)))
    (line,) = [line for line in tape.lines if line["lane"] == "sound"]
    assert (line["path"], line["when"]) == ("/depth", r"^GET\ /depth\?place=lake$")
    assert line["reply"] == {"status": 200, "json": {"depth": "$${8}"}}


def test_spans_without_their_parents_are_taken_as_one_run() -> None:
    spans = (completion({"messages": QUESTION}), completion({"messages": QUESTION}))
    tape = import_trace(Trace(spans))
    assert missing(tape) == {"root", "agent"}
    assert len(tape.lines) == 2


@pytest.mark.parametrize("span", [Span("step", "CHAIN"), Span("vectors", "EMBEDDING")])
def test_a_trace_that_cannot_be_replayed_says_so(span: Span) -> None:
    tape = import_trace(Trace((Span("run", "CHAIN", children=(span,)),)))
    assert not tape.is_complete
    assert any(gap.breaks_replay for gap in tape.gaps)


@pytest.mark.parametrize(
    "outputs",
    [
        {"choices": [{"message": "text in the place of a message"}]},
        {"content": [1, 2], "finish_reason": "stop"},
        {"choices": ["text in the place of a choice"], "usage": []},
    ],
)
def test_a_reply_of_an_unknown_shape_is_missed_and_breaks_nothing(outputs: Any) -> None:
    tape = imported(completion({"messages": QUESTION}, outputs), completion(None))
    assert "reply" in missing(tape)
    assert len(tape.lines) == 1

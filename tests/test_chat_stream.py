"""A streamed conversation: each turn a trace, each event on its span, no half answer kept."""

import asyncio
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import mlflow
import openai
import pytest

from instrumentation.trace.trace import Trace, trace_from_mlflow
from instrumentation.tracing import enable_tracing, record_run
from scenarios.player.fidelity import measure_fidelity
from scenarios.replay.faults import (
    Fault,
    cuts_stream,
    drops_connection,
    hangs,
    malformed_reply,
    rate_limited,
    slow,
)
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.tapes import make_tape, reply_line
from workflows.chat_answer import NoAnswer
from workflows.chat_history import Conversation
from workflows.chat_stream import assistant, converse, turn
from workflows.model import TruncatedAnswerError, Model

KEY = "sk-never-to-be-seen"
Errors = type[BaseException] | tuple[()]


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


@dataclass(frozen=True)
class Ended:
    """How a conversation ended, and what was seen of it."""

    answer: Any
    stored: list[Any]
    trace: Trace
    replay: ReplayServer

    @property
    def events(self) -> list[str]:
        """What the last completion's span says of each event of its stream."""
        spans = self.stored[-1].data.spans
        (completion,) = (span for span in spans if span.name == "stream_answer")
        chunks = [event for event in completion.events if event.name != "exception"]
        return [event.attributes["mlflow.chunk.value"] for event in chunks]


def says_so(*contents: Any, **reply: Any) -> list[dict[str, Any]]:
    return [reply_line("assistant", content, **reply) for content in contents]


async def ended(
    task: str, lines: list[dict[str, Any]], *faults: Fault, raises: Errors = (), **settings: Any
) -> Ended:
    """Say the lines of a task to a taped model, whose errors are part of the answer."""
    answer: Any = None
    defaults: dict[str, Any] = {"session": "s", "retries": 0}
    with replay_tape(make_tape(*lines), faults) as replay, record_run() as run:
        model = Model("taped", replay.base_url, KEY)
        try:
            answer = await converse(task, model, **defaults | settings)
        except raises as error:
            answer = error
        stored = run.traces()
    trace = trace_from_mlflow(one.to_dict() for one in stored)
    assert measure_fidelity(replay.ledger, trace).is_complete, measure_fidelity(
        replay.ledger, trace
    )
    return Ended(answer, stored, trace, replay)


def completion(trace: Trace) -> Any:
    return trace.spans_of_type("LLM")[-1]


async def test_each_line_is_a_turn_and_each_turn_a_trace_of_the_session() -> None:
    seen = await ended("one\n\n  \ntwo\n", says_so("first", "second"), user="ana")
    assert [said.answer.text for said in seen.answer.turns] == ["first", "second"]
    assert [root.name for root in seen.trace.roots] == ["turn", "turn"]
    assert str(seen.trace.session) == "session s of ana"
    previews = [(one.info.request_preview, one.info.response_preview) for one in seen.stored]
    assert previews == [("one", "first"), ("two", "second")]


async def test_a_conversation_of_no_name_has_one_of_its_own() -> None:
    one, other = [await ended("one", says_so("first"), session=None) for _ in range(2)]
    assert one.trace.session is not None
    assert one.trace.session != other.trace.session


async def test_each_event_is_on_the_span_and_all_of_them_are_joined_in_its_output() -> None:
    seen = await ended("one", says_so("three little words"))
    span = completion(seen.trace)
    (choice,) = span.outputs["choices"]
    assert choice["message"]["content"] == "three little words"
    assert choice["finish_reason"] == "stop"
    contents = [f'"content": "{piece}"' for piece in ("three", " little", " words")]
    told = [next((piece for piece in contents if piece in event), None) for event in seen.events]
    assert told == [None, *contents, None, None]  # the role, the finish reason and the usage
    (served,) = seen.replay.ledger.exchanges
    assert (span.tokens.input, span.tokens.output) == (served.input_tokens, served.output_tokens)


async def test_each_event_of_a_long_answer_is_on_the_span() -> None:
    seen = await ended("one", says_so(" ".join(["word"] * 300)))
    assert len(seen.events) == seen.replay.ledger.exchanges[0].output_tokens + 3
    assert '"role": "assistant"' in seen.events[0]


async def test_the_first_word_is_timed_with_the_wait_for_it() -> None:
    seen = await ended("one", says_so("word"), slow("assistant", delay_s=0.3))
    assert completion(seen.trace).attributes["gen_ai.response.time_to_first_chunk"] >= 0.3


async def test_what_follows_the_first_word_is_not_timed_with_it() -> None:
    heard_s: list[float] = []

    def hear(_: str, text: str) -> None:
        heard_s.append(time.monotonic())
        time.sleep(0.5)

    with replay_tape(make_tape(*says_so("two words"))) as replay, record_run() as run:
        async with assistant(Model("taped", replay.base_url, KEY)) as streams:
            began = time.monotonic()
            await turn(Conversation("s"), "one", streams, on_text=hear)
        span = completion(trace_from_mlflow(one.to_dict() for one in run.traces()))
    assert span.attributes["gen_ai.response.time_to_first_chunk"] <= heard_s[0] - began


async def test_pieces_are_heard_as_they_come() -> None:
    heard: list[tuple[str, str]] = []
    await ended("one", says_so("two words"), on_text=lambda who, text: heard.append((who, text)))
    assert heard == [("assistant", "two"), ("assistant", " words")]


async def test_the_history_grows_by_what_was_said_and_answered() -> None:
    seen = await ended("one\ntwo\nthree", says_so("first", "second", "third"))
    said = [message["content"] for message in completion(seen.trace).inputs["messages"][1:]]
    assert said == ["one", "first", "two", "second", "three"]


async def test_a_bounded_memory_forgets_whole_turns_and_says_how_many() -> None:
    seen = await ended("one\ntwo\nthree", says_so("first", "second", "third"), remembers=1)
    said = [message["content"] for message in completion(seen.trace).inputs["messages"][1:]]
    assert said == ["two", "second", "three"]
    told = [turn.attributes for turn in seen.trace.turns("assistant")]
    assert [turn["flight_recorder.history.turns"] for turn in told] == [0, 1, 1]
    assert [turn["flight_recorder.history.turns_forgotten"] for turn in told] == [0, 0, 1]


async def test_a_memory_of_nothing_is_told_only_what_is_said_now() -> None:
    seen = await ended("one\ntwo", says_so("first", "second"), remembers=0)
    assert len(completion(seen.trace).inputs["messages"]) == 2


@pytest.mark.parametrize("clean", [True, False])
async def test_a_stream_that_is_cut_is_an_error_that_keeps_what_had_come(clean: bool) -> None:
    fault = cuts_stream("assistant", after_frame=3, ends_cleanly=clean)
    seen = await ended("one", says_so("one two three four"), fault, raises=TruncatedAnswerError)
    assert "after 7 characters" in str(seen.answer)
    span = completion(seen.trace)
    assert (span.status, span.outputs["choices"][0]["message"]["content"]) == ("ERROR", "one two")
    assert [child.name for child in span.children] == ["stream cut"]
    assert len(seen.events) == 3


async def test_a_malformed_event_is_an_error() -> None:
    fault = malformed_reply("assistant")
    seen = await ended("one", says_so("first"), fault, raises=TruncatedAnswerError)
    assert "JSONDecodeError" in seen.trace.root.status_message


async def test_an_answer_that_ran_into_its_limit_is_not_whole() -> None:
    seen = await ended("one", says_so("half of", finish_reason="length"), raises=TruncatedAnswerError)
    assert "token limit after 7 characters" in seen.trace.root.status_message
    span = completion(seen.trace)
    assert (span.status, span.attributes["gen_ai.response.finish_reasons"]) == ("OK", ["length"])


async def test_an_answer_that_a_filter_stopped_is_not_whole() -> None:
    lines = says_so("half of", finish_reason="content_filter")
    seen = await ended("one", lines, raises=TruncatedAnswerError)
    assert "filter stopped the answer" in seen.trace.root.status_message


async def test_a_refusal_is_an_answer_that_says_what_it_is() -> None:
    heard: list[str] = []
    lines = [*says_so(None, refusal="I must not."), *says_so("second")]
    seen = await ended("one\ntwo", lines, on_text=lambda _, text: heard.append(text))
    assert "".join(heard) == "I must not.second"
    assert seen.answer.turns[0].answer.text == "I must not."
    outcomes = [root.attributes["flight_recorder.workflow.outcome"] for root in seen.trace.roots]
    assert outcomes == ["refused", "answered"]
    assert "I must not." in str(completion(seen.trace).inputs)


async def test_an_empty_answer_is_none() -> None:
    seen = await ended("one", says_so(""), raises=NoAnswer)
    assert "said nothing" in seen.trace.root.status_message
    assert completion(seen.trace).status == "OK"


async def test_a_call_of_a_tool_that_nobody_gave_is_no_answer() -> None:
    calls = [{"name": "look_up", "arguments": {"city": "La Paz, Bolivia"}}]
    line = reply_line("assistant", None, tool_calls=calls)
    with replay_tape(make_tape(line)) as replay, record_run() as run:
        with pytest.raises(NoAnswer, match="called look_up, and it was given no tool"):
            await converse("one", Model("taped", replay.base_url, KEY))
        trace = trace_from_mlflow(one.to_dict() for one in run.traces())
    (call,) = completion(trace).outputs["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "look_up", "arguments": '{"city":"La Paz, Bolivia"}'}
    assert call["id"] == "call_assistant_1"


async def test_a_line_that_says_nothing_is_no_turn() -> None:
    with replay_tape(make_tape(reply_line("assistant", "never"))) as replay:
        async with assistant(Model("taped", replay.base_url, KEY)) as streams:
            with pytest.raises(ValueError, match="nothing was said"):
                await turn(Conversation("s"), " \n", streams)
        assert not replay.ledger.exchanges


async def test_half_an_answer_is_not_told_in_the_next_turn() -> None:
    lines, fault = says_so("one two three", "second"), cuts_stream("assistant", after_frame=3)
    with replay_tape(make_tape(*lines), [fault]) as replay:
        async with assistant(Model("taped", replay.base_url, KEY)) as streams:
            begun = Conversation("s")
            with pytest.raises(TruncatedAnswerError):
                await turn(begun, "one", streams)
            await turn(begun, "two", streams)
        _, asked = (exchange.request["messages"] for exchange in replay.ledger.exchanges)
    assert [message["content"] for message in asked[1:]] == ["two"]


async def test_a_rate_limit_is_waited_out_and_counted() -> None:
    limited = rate_limited("assistant", retry_after_s=0.2)
    seen = await ended("one", says_so("first"), limited, retries=2)
    span = completion(seen.trace)
    assert span.attributes["flight_recorder.http.attempts"] == 2
    assert [child.name for child in span.children] == ["HTTP 429"]
    assert span.status == "OK"


async def test_a_connection_that_is_dropped_for_good_is_an_error_of_openais() -> None:
    dropped = drops_connection("assistant", times=2)
    error = openai.APIConnectionError
    seen = await ended("one", says_so("first"), dropped, raises=error, retries=1)
    assert isinstance(seen.answer, error)
    assert len(seen.trace.spans_of_type("ATTEMPT")) == 2


async def test_a_silent_endpoint_is_given_up_after_the_deadline() -> None:
    error = openai.APITimeoutError
    seen = await ended("one", says_so("first"), hangs("assistant"), raises=error, deadline_s=0.3)
    assert "no byte within 0.3 s" in seen.trace.spans_of_type("ATTEMPT")[0].status_message


async def test_a_turn_that_is_cancelled_says_so_on_each_of_its_spans() -> None:
    with (
        replay_tape(make_tape(*says_so("first")), [hangs("assistant")]) as replay,
        record_run() as run,
    ):
        talking = converse("one", Model("taped", replay.base_url, KEY), session="s")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(talking, 0.5)
        trace = trace_from_mlflow(one.to_dict() for one in run.traces())
    assert [(span.type, span.status_message.partition(":")[0]) for span in trace] == [
        (kind, "cancelled") for kind in ("CHAIN", "AGENT", "LLM", "ATTEMPT")
    ]


async def test_a_listener_that_fails_ends_the_stream_and_the_trace_says_so() -> None:
    def fail(_: str, text: str) -> None:
        raise BrokenPipeError(f"nobody hears {text!r}")

    seen = await ended("one", says_so("one two " * 2000), on_text=fail, raises=BrokenPipeError)
    span = completion(seen.trace)
    assert span.says == "closed by its consumer before the end"
    assert seen.trace.root.status_message == "BrokenPipeError: nobody hears 'one'"


async def test_two_conversations_at_once_keep_to_their_own_sessions() -> None:
    lines = [reply_line("assistant", f"to {who}", when=f"user: {who}$") for who in ("ana", "ben")]
    with replay_tape(make_tape(*lines)) as replay, record_run() as run:
        model = Model("taped", replay.base_url, KEY)
        await asyncio.gather(*(converse(who, model, session=who) for who in ("ana", "ben")))
        traces = [trace_from_mlflow([one.to_dict()]) for one in run.traces()]
    said = {str(trace.session): trace.spans_of_type("AGENT")[0].outputs for trace in traces}
    assert said == {"session ana": "to ana", "session ben": "to ben"}


async def test_no_key_is_in_the_trace() -> None:
    seen = await ended("one", says_so("first"))
    assert KEY not in "".join(one.to_json() for one in seen.stored)


async def test_a_conversation_that_nobody_records_goes_on() -> None:
    with replay_tape(make_tape(*says_so("first"))) as replay:
        mlflow.tracing.disable()
        try:
            said = await converse("one", Model("taped", replay.base_url, KEY))
        finally:
            mlflow.tracing.enable()
    assert said.turns[0].answer.text == "first"

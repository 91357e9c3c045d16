"""The streamed chat: its turns and their traces, its memory, and answers that are not complete."""

import asyncio
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
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
from workflows.chat_stream import StreamedChat
from workflows.model import Model, TruncatedAnswerError
from workflows.support.chat import Conversation, NoAnswerError

KEY = "sk-never-to-be-run"
Errors = type[BaseException] | tuple[()]


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


class RemembersOneTurn(StreamedChat):
    remembered_turns = 1


class RemembersNothing(StreamedChat):
    remembered_turns = 0


@dataclass(frozen=True)
class ChatRun:
    """A finished conversation, or the error that ended it, and its traces."""

    outcome: Any
    stored: list[Any]
    trace: Trace
    replay: ReplayServer

    @property
    def events(self) -> list[str]:
        """The chunks of the last completion, as the events of its span have them."""
        spans = self.stored[-1].data.spans
        (completion,) = (span for span in spans if span.name == "stream_answer")
        chunks = [event for event in completion.events if event.name != "exception"]
        return [event.attributes["mlflow.chunk.value"] for event in chunks]


def replies(*contents: Any, **reply: Any) -> list[dict[str, Any]]:
    return [reply_line("assistant", content, **reply) for content in contents]


async def run_chat(
    task: str,
    lines: list[dict[str, Any]],
    *faults: Fault,
    raises: Errors = (),
    chat: type[StreamedChat] = StreamedChat,
    timeout_s: float | None = 60.0,
    max_retries: int = 0,
    **options: Any,
) -> ChatRun:
    """Send the lines of a task to a scripted model; an error in `raises` is the outcome."""
    outcome: Any = None
    with replay_tape(make_tape(*lines), faults) as replay, record_run() as run:
        model = replace(taped_model(replay), timeout_s=timeout_s, max_retries=max_retries)
        try:
            outcome = await chat(model, **{"session": "s", **options}).run(task)
        except raises as error:
            outcome = error
        stored = run.traces()
    trace = trace_from_mlflow(one.to_dict() for one in stored)
    fidelity = measure_fidelity(replay.ledger, trace)
    assert fidelity.is_complete, fidelity
    return ChatRun(outcome, stored, trace, replay)


def taped_model(replay: ReplayServer) -> Model:
    return Model("taped", replay.base_url, KEY)


def completion(trace: Trace) -> Any:
    return trace.spans_of_type("LLM")[-1]


async def test_each_line_is_a_turn_and_each_turn_is_a_trace_of_the_session() -> None:
    run = await run_chat("one\n\n  \ntwo\n", replies("first", "second"), user="ana")
    assert [turn.answer.text for turn in run.outcome.turns] == ["first", "second"]
    assert [root.name for root in run.trace.roots] == ["turn", "turn"]
    assert str(run.trace.session) == "session s of ana"
    previews = [(one.info.request_preview, one.info.response_preview) for one in run.stored]
    assert previews == [("one", "first"), ("two", "second")]


async def test_a_conversation_without_a_session_gets_a_new_one() -> None:
    one, other = [await run_chat("one", replies("first"), session=None) for _ in range(2)]
    assert one.trace.session is not None
    assert one.trace.session != other.trace.session


async def test_each_chunk_is_an_event_and_all_of_them_are_joined_in_the_output() -> None:
    run = await run_chat("one", replies("three little words"))
    span = completion(run.trace)
    (choice,) = span.outputs["choices"]
    assert choice["message"]["content"] == "three little words"
    assert choice["finish_reason"] == "stop"
    contents = [f'"content": "{piece}"' for piece in ("three", " little", " words")]
    found = [next((piece for piece in contents if piece in event), None) for event in run.events]
    assert found == [None, *contents, None, None]  # the role, the finish reason and the usage
    (exchange,) = run.replay.ledger.exchanges
    assert (span.tokens.input, span.tokens.output) == (
        exchange.input_tokens,
        exchange.output_tokens,
    )


async def test_each_chunk_of_a_long_answer_is_an_event() -> None:
    run = await run_chat("one", replies(" ".join(["word"] * 300)))
    assert len(run.events) == run.replay.ledger.exchanges[0].output_tokens + 3
    assert '"role": "assistant"' in run.events[0]


async def test_the_time_to_the_first_chunk_includes_the_wait_for_it() -> None:
    run = await run_chat("one", replies("word"), slow("assistant", delay_s=0.3))
    assert completion(run.trace).attributes["gen_ai.response.time_to_first_chunk"] >= 0.3


async def test_the_time_to_the_first_chunk_excludes_later_chunks() -> None:
    received_s: list[float] = []

    def wait(agent: str, text: str) -> None:
        received_s.append(time.monotonic())
        time.sleep(0.5)

    with replay_tape(make_tape(*replies("two words"))) as replay, record_run() as run:
        chat = StreamedChat(taped_model(replay), on_chunk=wait)
        async with chat.client() as client:
            started_s = time.monotonic()
            await chat.take_turn(client, Conversation("s"), "one")
        span = completion(trace_from_mlflow(one.to_dict() for one in run.traces()))
    assert span.attributes["gen_ai.response.time_to_first_chunk"] <= received_s[0] - started_s


async def test_on_chunk_receives_each_piece_as_it_arrives() -> None:
    chunks: list[tuple[str, str]] = []
    await run_chat(
        "one", replies("two words"), on_chunk=lambda who, text: chunks.append((who, text))
    )
    assert chunks == [("assistant", "two"), ("assistant", " words")]


async def test_the_history_grows_by_message_and_answer() -> None:
    run = await run_chat("one\ntwo\nthree", replies("first", "second", "third"))
    contents = [message["content"] for message in completion(run.trace).inputs["messages"][1:]]
    assert contents == ["one", "first", "two", "second", "three"]


async def test_a_bounded_memory_forgets_whole_turns_and_records_how_many() -> None:
    run = await run_chat(
        "one\ntwo\nthree", replies("first", "second", "third"), chat=RemembersOneTurn
    )
    contents = [message["content"] for message in completion(run.trace).inputs["messages"][1:]]
    assert contents == ["two", "second", "three"]
    turns = [turn.attributes for turn in run.trace.turns("assistant")]
    assert [turn["flight_recorder.history.turns"] for turn in turns] == [0, 1, 1]
    assert [turn["flight_recorder.history.turns_forgotten"] for turn in turns] == [0, 0, 1]


async def test_without_memory_the_prompt_has_only_the_new_message() -> None:
    run = await run_chat("one\ntwo", replies("first", "second"), chat=RemembersNothing)
    assert len(completion(run.trace).inputs["messages"]) == 2


@pytest.mark.parametrize("clean", [True, False])
async def test_a_cut_stream_is_an_error_that_keeps_the_chunks_so_far(clean: bool) -> None:
    fault = cuts_stream("assistant", after_frame=3, ends_cleanly=clean)
    run = await run_chat("one", replies("one two three four"), fault, raises=TruncatedAnswerError)
    assert "after 7 characters" in str(run.outcome)
    span = completion(run.trace)
    assert (span.status, span.outputs["choices"][0]["message"]["content"]) == ("ERROR", "one two")
    assert [child.name for child in span.children] == ["stream cut"]
    assert len(run.events) == 3


async def test_a_malformed_chunk_is_an_error() -> None:
    fault = malformed_reply("assistant")
    run = await run_chat("one", replies("first"), fault, raises=TruncatedAnswerError)
    assert "JSONDecodeError" in run.trace.root.status_message


async def test_an_answer_at_its_token_limit_is_truncated() -> None:
    run = await run_chat(
        "one", replies("half of", finish_reason="length"), raises=TruncatedAnswerError
    )
    assert "token limit after 7 characters" in run.trace.root.status_message
    span = completion(run.trace)
    assert (span.status, span.attributes["gen_ai.response.finish_reasons"]) == ("OK", ["length"])


async def test_an_answer_that_a_filter_stopped_is_truncated() -> None:
    lines = replies("half of", finish_reason="content_filter")
    run = await run_chat("one", lines, raises=TruncatedAnswerError)
    assert "filter stopped the answer" in run.trace.root.status_message


async def test_a_refusal_is_an_answer_with_its_own_outcome() -> None:
    chunks: list[str] = []
    lines = [*replies(None, refusal="I must not."), *replies("second")]
    run = await run_chat("one\ntwo", lines, on_chunk=lambda _, text: chunks.append(text))
    assert "".join(chunks) == "I must not.second"
    assert run.outcome.turns[0].answer.text == "I must not."
    outcomes = [root.attributes["flight_recorder.workflow.outcome"] for root in run.trace.roots]
    assert outcomes == ["refused", "answered"]
    assert "I must not." in str(completion(run.trace).inputs)


async def test_an_empty_answer_is_an_error() -> None:
    run = await run_chat("one", replies(""), raises=NoAnswerError)
    assert "the model's answer is empty" in run.trace.root.status_message
    assert completion(run.trace).status == "OK"


async def test_a_call_of_an_unknown_tool_is_an_error() -> None:
    calls = [{"name": "look_up", "arguments": {"city": "La Paz, Bolivia"}}]
    line = reply_line("assistant", None, tool_calls=calls)
    with replay_tape(make_tape(line)) as replay, record_run() as run:
        with pytest.raises(NoAnswerError, match="called look_up, but it was given no tools"):
            await StreamedChat(taped_model(replay)).run("one")
        trace = trace_from_mlflow(one.to_dict() for one in run.traces())
    (call,) = completion(trace).outputs["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "look_up", "arguments": '{"city":"La Paz, Bolivia"}'}
    assert call["id"] == "call_assistant_1"


async def test_an_empty_message_is_rejected() -> None:
    with replay_tape(make_tape(reply_line("assistant", "never"))) as replay:
        chat = StreamedChat(taped_model(replay))
        async with chat.client() as client:
            with pytest.raises(ValueError, match="the message is empty"):
                await chat.take_turn(client, Conversation("s"), " \n")
        assert not replay.ledger.exchanges


async def test_a_truncated_answer_is_not_in_the_next_prompt() -> None:
    lines, fault = replies("one two three", "second"), cuts_stream("assistant", after_frame=3)
    with replay_tape(make_tape(*lines), [fault]) as replay:
        chat = StreamedChat(taped_model(replay))
        async with chat.client() as client:
            conversation = Conversation("s")
            with pytest.raises(TruncatedAnswerError):
                await chat.take_turn(client, conversation, "one")
            await chat.take_turn(client, conversation, "two")
        _, prompt = (exchange.request["messages"] for exchange in replay.ledger.exchanges)
    assert [message["content"] for message in prompt[1:]] == ["two"]


async def test_a_rate_limit_is_waited_out_and_counted() -> None:
    limited = rate_limited("assistant", retry_after_s=0.2)
    run = await run_chat("one", replies("first"), limited, max_retries=2)
    span = completion(run.trace)
    assert span.attributes["flight_recorder.http.attempts"] == 2
    assert [child.name for child in span.children] == ["HTTP 429"]
    assert span.status == "OK"


async def test_a_connection_that_is_dropped_for_good_is_an_openai_error() -> None:
    dropped = drops_connection("assistant", times=2)
    error = openai.APIConnectionError
    run = await run_chat("one", replies("first"), dropped, raises=error, max_retries=1)
    assert isinstance(run.outcome, error)
    assert len(run.trace.spans_of_type("ATTEMPT")) == 2


async def test_a_silent_endpoint_is_given_up_after_the_timeout() -> None:
    error = openai.APITimeoutError
    run = await run_chat("one", replies("first"), hangs("assistant"), raises=error, timeout_s=0.3)
    assert "no byte within 0.3 s" in run.trace.spans_of_type("ATTEMPT")[0].status_message


async def test_a_cancelled_turn_is_marked_on_each_of_its_spans() -> None:
    with (
        replay_tape(make_tape(*replies("first")), [hangs("assistant")]) as replay,
        record_run() as run,
    ):
        running = StreamedChat(taped_model(replay), session="s").run("one")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(running, 0.5)
        trace = trace_from_mlflow(one.to_dict() for one in run.traces())
    assert [(span.type, span.status_message.partition(":")[0]) for span in trace] == [
        (kind, "cancelled") for kind in ("CHAIN", "AGENT", "LLM", "ATTEMPT")
    ]


async def test_a_listener_that_fails_ends_the_stream_and_the_trace_replies() -> None:
    def fail(_: str, text: str) -> None:
        raise BrokenPipeError(f"nobody reads {text!r}")

    run = await run_chat("one", replies("one two " * 2000), on_chunk=fail, raises=BrokenPipeError)
    span = completion(run.trace)
    assert span.status_message == "closed by its consumer before the end"
    assert run.trace.root.status_message == "BrokenPipeError: nobody reads 'one'"


async def test_two_concurrent_conversations_keep_their_own_sessions() -> None:
    lines = [reply_line("assistant", f"to {who}", when=f"user: {who}$") for who in ("ana", "ben")]
    with replay_tape(make_tape(*lines)) as replay, record_run() as run:
        model = taped_model(replay)
        await asyncio.gather(*(StreamedChat(model, session=s).run(s) for s in ("ana", "ben")))
        traces = [trace_from_mlflow([one.to_dict()]) for one in run.traces()]
    answers = {str(trace.session): trace.spans_of_type("AGENT")[0].outputs for trace in traces}
    assert answers == {"session ana": "to ana", "session ben": "to ben"}


async def test_no_key_is_in_the_trace() -> None:
    run = await run_chat("one", replies("first"))
    assert KEY not in "".join(one.to_json() for one in run.stored)


async def test_a_conversation_works_without_tracing() -> None:
    with replay_tape(make_tape(*replies("first"))) as replay:
        mlflow.tracing.disable()
        try:
            conversation = await StreamedChat(taped_model(replay)).run("one")
        finally:
            mlflow.tracing.enable()
    assert conversation.turns[0].answer.text == "first"

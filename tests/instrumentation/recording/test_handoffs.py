"""Handoffs: who passed work to whom, and how much of it arrived."""

import string
from collections.abc import Generator
from pathlib import Path

import mlflow
import pytest
from autogen_agentchat.agents import MessageFilterAgent, MessageFilterConfig, PerSourceFilter
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow
from hypothesis import given
from hypothesis import strategies as st

from instrumentation.recording.handoffs import efficiency_score, record_handoffs, split_by_arrival
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from patches.support.turn import Message, Turn
from scenarios.replay.faults import unavailable
from scenarios.replay.replay_server import ReplayServer
from tests.support.autogen_agents import agent, chain, load_trace, replay_lines, reply_line

DRAFT = "The orbiter came down to 57 km, where the atmosphere destroyed it."
NOTES = "Cite the report of the board."

words = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=6), max_size=40)
texts = words.map(" ".join)


@given(texts, texts)
def test_the_score_is_between_0_and_1(output: str, prompt: str) -> None:
    assert 0.0 <= efficiency_score(output, prompt) <= 1.0


@given(texts, texts, texts)
def test_an_output_that_arrives_verbatim_scores_1(output: str, before: str, after: str) -> None:
    assert efficiency_score(output, f"{before} {output} {after}") == 1.0


@given(words.filter(bool))
def test_texts_without_common_words_score_0(output: list[str]) -> None:
    assert (
        efficiency_score(" ".join(output), " ".join(word.upper() + "9" for word in output)) == 0.0
    )


@given(texts, texts, texts)
def test_more_context_never_lowers_the_score(output: str, prompt: str, more: str) -> None:
    assert efficiency_score(output, f"{prompt}\n{more}") >= efficiency_score(output, prompt)


def test_text_inserted_between_lines_does_not_lower_the_score() -> None:
    output = "Find the inflation of France.\nThe year is 2023."
    prompt = (
        "Task: Find the inflation of France.\nThis is the context you have: The year is 2023. Go on"
    )
    assert efficiency_score(output, prompt) == 1.0
    assert efficiency_score(output, "Task: Find the inflation of France.") < 1.0


def test_half_of_a_text_scores_about_half() -> None:
    half = DRAFT[: len(DRAFT) // 2]
    assert 0.2 < efficiency_score(DRAFT, half) < 0.6


def test_a_word_inside_another_word_does_not_count() -> None:
    assert efficiency_score("cat", "concatenate") == 0.0


@given(texts, texts)
def test_an_output_that_arrives_has_no_dropped_sentences(output: str, after: str) -> None:
    assert split_by_arrival(output, f"{output} {after}")[1] == []


def test_an_output_is_split_into_what_arrived_and_what_did_not() -> None:
    charter = "Annual figures only.\n- give the unit\nSay no data where there is none. Be brief."
    assert split_by_arrival(
        charter, "Context: Annual figures only. Be brief. Give the unit of each figure"
    ) == (
        ["Annual figures only.", "- give the unit", "Be brief."],
        ["Say no data where there is none."],
    )


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


def filtered_agent(replay: ReplayServer, name: str, *sources: str) -> MessageFilterAgent:
    """An agent that receives only the messages of these sources."""
    config = MessageFilterConfig(per_source=[PerSourceFilter(source=source) for source in sources])
    return MessageFilterAgent(name, agent(replay, name), config)


async def record_team(tmp_path: Path, *sources: str) -> Trace:
    """Record writer → critic → editor, where the editor receives only messages of these sources."""
    lines = [
        reply_line("writer", DRAFT),
        reply_line("critic", NOTES),
        reply_line("editor", "printed"),
    ]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        editor = filtered_agent(replay, "editor", *sources)
        await chain(agent(replay, "writer"), agent(replay, "critic"), editor).run(task="write")
    return load_trace(run)


def handoff(trace: Trace, sender: str, receiver: str) -> Span:
    (found,) = trace.handoffs(sender, receiver)
    return found


@pytest.mark.usefixtures("recording")
async def test_a_complete_handoff_scores_1(tmp_path: Path) -> None:
    trace = await record_team(tmp_path, "writer", "critic")
    attributes = handoff(trace, "writer", "editor").attributes
    assert attributes["flight_recorder.handoff.efficiency_score"] == 1.0
    assert attributes["flight_recorder.handoff.withheld"] is False
    assert attributes["flight_recorder.handoff.output_chars"] == len(DRAFT)
    assert attributes["flight_recorder.handoff.input_chars"] == len(DRAFT + NOTES)


@pytest.mark.usefixtures("recording")
async def test_a_handoff_removed_by_a_filter_is_withheld(tmp_path: Path) -> None:
    trace = await record_team(tmp_path, "critic")
    attributes = handoff(trace, "writer", "editor").attributes
    assert attributes["flight_recorder.handoff.withheld"] is True
    assert attributes["flight_recorder.handoff.efficiency_score"] == 0.0
    assert attributes["flight_recorder.handoff.offered_chars"] == len("write" + DRAFT + NOTES)
    assert attributes["flight_recorder.handoff.input_chars"] == len(NOTES)


@pytest.mark.usefixtures("recording")
async def test_the_span_shows_what_was_sent_what_arrived_and_what_was_dropped(
    tmp_path: Path,
) -> None:
    trace = await record_team(tmp_path, "critic")
    lost, complete = handoff(trace, "writer", "editor"), handoff(trace, "critic", "editor")
    assert (lost.inputs, lost.outputs["arrived"]) == ({"sent": DRAFT}, "")
    assert lost.outputs["dropped"].split() == DRAFT.split()
    assert complete.outputs["dropped"] == ""


@pytest.mark.usefixtures("recording")
async def test_each_sender_is_scored_separately(tmp_path: Path) -> None:
    trace = await record_team(tmp_path, "critic")
    assert (
        handoff(trace, "critic", "editor").attributes["flight_recorder.handoff.efficiency_score"]
        == 1.0
    )


@pytest.mark.usefixtures("recording")
async def test_a_handoff_is_just_before_the_receivers_turn(tmp_path: Path) -> None:
    trace = await record_team(tmp_path, "critic")
    kinds = [(span.type, span.name) for span in trace.root.children]
    assert kinds[-3:] == [
        ("HANDOFF", "writer → editor"),
        ("HANDOFF", "critic → editor"),
        ("AGENT", "editor"),
    ]


@pytest.mark.usefixtures("recording")
async def test_a_handoff_to_a_failing_receiver_is_recorded(tmp_path: Path) -> None:
    lines, fault = [reply_line("a", "one"), reply_line("b", "two")], unavailable("b")
    with (
        replay_lines(tmp_path, *lines, faults=[fault]) as replay,
        record_run() as run,
        pytest.raises(RuntimeError),
    ):
        await chain(agent(replay, "a"), agent(replay, "b")).run(task="x")
    assert handoff(load_trace(run), "a", "b").status == "OK"


@pytest.mark.usefixtures("recording")
async def test_a_handoff_names_the_edge_that_led_to_it(tmp_path: Path) -> None:
    lines = [reply_line("judge", "go LEFT"), reply_line("left", "gone")]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        judge, left, right = (agent(replay, name) for name in ("judge", "left", "right"))
        graph = DiGraphBuilder().add_node(judge).add_node(left).add_node(right)
        graph.add_edge(judge, left, condition=lambda message: "LEFT" in message.to_text())
        graph.add_edge(judge, right, condition="RIGHT")
        await GraphFlow([judge, left, right], graph=graph.build()).run(task="choose")
    attributes = handoff(load_trace(run), "judge", "left").attributes
    assert attributes["flight_recorder.routing.edge"] == "judge → left"
    assert attributes["flight_recorder.routing.condition"].endswith("<lambda>")
    assert attributes["flight_recorder.routing.tried"][-1] == "judge → right: RIGHT: no"


def record(turn: Turn) -> tuple[Span, ...]:
    """Record the handoffs of a turn."""
    with record_run() as run, mlflow.start_span("task"):
        record_handoffs(turn)
    return load_trace(run).spans_of_type("HANDOFF")


@pytest.mark.usefixtures("recording")
def test_sentences_missing_from_the_prompt_are_dropped() -> None:
    messages = (Message("data", "TaskOutput", "4.9 % in 2023. The source is provisional."),)
    (span,) = record(Turn("writer", messages, messages, prompt="Write. Context: 4.9 % in 2023."))
    assert 0.0 < span.attributes["flight_recorder.handoff.efficiency_score"] < 1.0
    assert span.attributes["flight_recorder.handoff.dropped"] == "The source is provisional."


@pytest.mark.usefixtures("recording")
def test_without_a_prompt_the_received_messages_count() -> None:
    messages = (Message("data", "TextMessage", DRAFT),)
    (span,) = record(Turn("writer", messages, messages))
    assert "flight_recorder.handoff.dropped" not in span.attributes


@pytest.mark.usefixtures("recording")
def test_each_task_output_of_an_agent_is_a_handoff() -> None:
    messages = tuple(Message("data", "TaskOutput", text) for text in ("4.9 %", "2.0 %"))
    spans = record(Turn("writer", messages, messages[1:], prompt="2.0 %"))
    assert [span.attributes["flight_recorder.handoff.withheld"] for span in spans] == [True, False]


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize(
    ("message_type", "kind"),
    [("TaskOutput", "context"), ("Delegation", "delegation"), ("Answer", "return")],
)
def test_a_handoff_in_a_crew_has_a_kind(message_type: str, kind: str) -> None:
    messages = (Message("manager", message_type, "find it"),)
    (span,) = record(Turn("data", messages, messages, prompt="find it"))
    assert span.attributes["flight_recorder.handoff.kind"] == kind


@pytest.mark.usefixtures("recording")
def test_long_dropped_text_is_truncated() -> None:
    messages = (Message("data", "TaskOutput", "nobody knows. " * 99),)
    (span,) = record(Turn("writer", messages, (), prompt=""))
    assert len(span.attributes["flight_recorder.handoff.dropped"]) == 300

"""A handoff: who passed work to whom, and how much of it arrived."""

import string
from collections.abc import Generator
from pathlib import Path

import mlflow
import pytest
from autogen_agentchat.agents import MessageFilterAgent, MessageFilterConfig, PerSourceFilter
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow
from hypothesis import given
from hypothesis import strategies as st

from instrumentation.handoffs import dropped_sentences, efficiency_score, record_handoffs
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
def test_efficiency_is_a_share(output: str, given_: str) -> None:
    assert 0.0 <= efficiency_score(output, given_) <= 1.0


@given(texts, texts, texts)
def test_what_arrives_word_for_word_scores_one(output: str, before: str, after: str) -> None:
    assert efficiency_score(output, f"{before} {output} {after}") == 1.0


@given(words.filter(bool))
def test_what_has_no_word_in_common_scores_zero(output: list[str]) -> None:
    assert (
        efficiency_score(" ".join(output), " ".join(word.upper() + "9" for word in output)) == 0.0
    )


@given(texts, texts, texts)
def test_more_context_never_scores_less(output: str, given_: str, more: str) -> None:
    assert efficiency_score(output, f"{given_}\n{more}") >= efficiency_score(output, given_)


def test_words_that_a_framework_puts_between_two_lines_lose_nothing() -> None:
    output = "Find the inflation of France.\nThe year is 2023."
    given_ = (
        "Task: Find the inflation of France.\nThis is the context you have: The year is 2023. Go on"
    )
    assert efficiency_score(output, given_) == 1.0
    assert efficiency_score(output, "Task: Find the inflation of France.") < 1.0


def test_half_a_text_scores_about_half() -> None:
    half = DRAFT[: len(DRAFT) // 2]
    assert 0.2 < efficiency_score(DRAFT, half) < 0.6


def test_a_word_inside_another_has_not_arrived() -> None:
    assert efficiency_score("cat", "concatenate") == 0.0


@given(texts, texts)
def test_what_arrives_drops_nothing(output: str, after: str) -> None:
    assert dropped_sentences(output, f"{output} {after}") == ()


def test_the_sentences_that_did_not_arrive_are_named() -> None:
    charter = "Annual figures only.\n- give the unit\nSay no data where there is none. Be brief."
    lost = dropped_sentences(
        charter, "Context: Annual figures only. Be brief. Give the unit of each figure"
    )
    assert lost == ("Say no data where there is none.",)


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store):
        yield


def reads(replay: ReplayServer, name: str, *sources: str) -> MessageFilterAgent:
    """An agent that is given only what these sources said."""
    kept = MessageFilterConfig(per_source=[PerSourceFilter(source=source) for source in sources])
    return MessageFilterAgent(name, agent(replay, name), kept)


async def summed_up(tmp_path: Path, *sources: str) -> Trace:
    """The trace of writer → critic → editor, whose editor reads only these sources."""
    lines = [
        reply_line("writer", DRAFT),
        reply_line("critic", NOTES),
        reply_line("editor", "printed"),
    ]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        editor = reads(replay, "editor", *sources)
        await chain(agent(replay, "writer"), agent(replay, "critic"), editor).run(task="write")
    return load_trace(run)


def handoff(trace: Trace, sender: str, receiver: str) -> Span:
    (found,) = trace.handoffs(sender, receiver)
    return found


@pytest.mark.usefixtures("recording")
async def test_a_handoff_that_arrives_is_whole(tmp_path: Path) -> None:
    trace = await summed_up(tmp_path, "writer", "critic")
    attributes = handoff(trace, "writer", "editor").attributes
    assert attributes["flight_recorder.handoff.efficiency_score"] == 1.0
    assert attributes["flight_recorder.handoff.withheld"] is False
    assert attributes["flight_recorder.handoff.output_chars"] == len(DRAFT)
    assert attributes["flight_recorder.handoff.input_chars"] == len(DRAFT + NOTES)


@pytest.mark.usefixtures("recording")
async def test_a_handoff_that_a_filter_takes_away_is_withheld(tmp_path: Path) -> None:
    trace = await summed_up(tmp_path, "critic")
    attributes = handoff(trace, "writer", "editor").attributes
    assert attributes["flight_recorder.handoff.withheld"] is True
    assert attributes["flight_recorder.handoff.efficiency_score"] == 0.0
    assert attributes["flight_recorder.handoff.offered_chars"] == len("write" + DRAFT + NOTES)
    assert attributes["flight_recorder.handoff.input_chars"] == len(NOTES)


@pytest.mark.usefixtures("recording")
async def test_each_sender_is_judged_alone(tmp_path: Path) -> None:
    trace = await summed_up(tmp_path, "critic")
    assert (
        handoff(trace, "critic", "editor").attributes["flight_recorder.handoff.efficiency_score"]
        == 1.0
    )


@pytest.mark.usefixtures("recording")
async def test_a_handoff_stands_just_before_the_turn_that_it_opens(tmp_path: Path) -> None:
    trace = await summed_up(tmp_path, "critic")
    kinds = [(span.type, span.name) for span in trace.root.children]
    assert kinds[-3:] == [
        ("HANDOFF", "writer → editor"),
        ("HANDOFF", "critic → editor"),
        ("AGENT", "editor"),
    ]


@pytest.mark.usefixtures("recording")
async def test_a_handoff_to_a_receiver_that_fails_is_there(tmp_path: Path) -> None:
    lines, fault = [reply_line("a", "one"), reply_line("b", "two")], unavailable("b")
    with (
        replay_lines(tmp_path, *lines, faults=[fault]) as replay,
        record_run() as run,
        pytest.raises(RuntimeError),
    ):
        await chain(agent(replay, "a"), agent(replay, "b")).run(task="x")
    assert handoff(load_trace(run), "a", "b").status == "OK"


@pytest.mark.usefixtures("recording")
async def test_a_handoff_says_which_edge_led_to_it(tmp_path: Path) -> None:
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


def told_of(turn: Turn) -> tuple[Span, ...]:
    """The handoffs that are recorded of a turn."""
    with record_run() as run, mlflow.start_span("task"):
        record_handoffs(turn)
    return load_trace(run).spans_of_type("HANDOFF")


@pytest.mark.usefixtures("recording")
def test_what_a_prompt_holds_has_arrived_and_what_it_leaves_out_has_not() -> None:
    said = (Message("data", "TaskOutput", "4.9 % in 2023. The source is provisional."),)
    (span,) = told_of(Turn("writer", said, said, prompt="Write. Context: 4.9 % in 2023."))
    assert 0.0 < span.attributes["flight_recorder.handoff.efficiency_score"] < 1.0
    assert span.attributes["flight_recorder.handoff.dropped"] == "The source is provisional."


@pytest.mark.usefixtures("recording")
def test_a_handoff_without_a_prompt_drops_nothing_that_was_given() -> None:
    said = (Message("data", "TextMessage", DRAFT),)
    (span,) = told_of(Turn("writer", said, said))
    assert "flight_recorder.handoff.dropped" not in span.attributes


@pytest.mark.usefixtures("recording")
def test_each_task_of_one_agent_hands_over() -> None:
    said = tuple(Message("data", "TaskOutput", text) for text in ("4.9 %", "2.0 %"))
    spans = told_of(Turn("writer", said, said[1:], prompt="2.0 %"))
    assert [span.attributes["flight_recorder.handoff.withheld"] for span in spans] == [True, False]


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize(
    ("passes", "kind"),
    [("TaskOutput", "context"), ("Delegation", "delegation"), ("Answer", "return")],
)
def test_a_handoff_of_a_crew_says_its_kind(passes: str, kind: str) -> None:
    said = (Message("manager", passes, "find it"),)
    (span,) = told_of(Turn("data", said, said, prompt="find it"))
    assert span.attributes["flight_recorder.handoff.kind"] == kind


@pytest.mark.usefixtures("recording")
def test_a_long_loss_is_shown_in_part() -> None:
    said = (Message("data", "TaskOutput", "nobody knows. " * 99),)
    (span,) = told_of(Turn("writer", said, (), prompt=""))
    assert len(span.attributes["flight_recorder.handoff.dropped"]) == 300

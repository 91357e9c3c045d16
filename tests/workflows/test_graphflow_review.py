"""The review lesson, called as a program would call it."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from instrumentation.trace.trace import Trace, trace_from_mlflow
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import hangs
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.tape.tape import Tape
from workflows.graphflow_review import GraphFlowReview, Review
from workflows.model import Model

APPROVE = {"decision": "approve", "notes": "Right."}
REVISE = {"decision": "revise", "notes": "The figure is wrong."}


class ReviewsOnce(GraphFlowReview):
    """A review that ends at the first objection."""

    max_rounds = 1


class ReviewsTwice(GraphFlowReview):
    """A review that ends at the second objection."""

    max_rounds = 2


@contextmanager
def answers(folder: Path, *lines: tuple[str, Any]) -> Iterator[tuple[ReplayServer, Model]]:
    """Serve these answers, each a pair of agent and content; yield the server and its model."""
    tape = folder / "tape.jsonl"
    tape.write_text(
        "\n".join(
            json.dumps({"lane": lane, "origin": "scripted", "reply": {"content": content}})
            for lane, content in lines
        )
    )
    with replay_tape(Tape.load(tape)) as replay:
        yield replay, Model("taped", replay.base_url, "key")


async def test_an_approved_draft_is_summarized(tmp_path: Path) -> None:
    lines = ("generator", "Draft."), ("reviewer", APPROVE), ("summarizer", "Sum.")
    with answers(tmp_path, *lines) as (_, model):
        review = await GraphFlowReview(model).run("Write.")
    assert review == Review("approved", "Draft.", summary="Sum.")


async def test_a_review_out_of_rounds_returns_the_draft_and_the_objections(tmp_path: Path) -> None:
    lines = [
        ("generator", "One."),
        ("reviewer", REVISE),
        ("generator", "Two."),
        ("reviewer", REVISE),
    ]
    with answers(tmp_path, *lines) as (replay, model):
        review = await ReviewsTwice(model).run("Write.")
        assert not replay.unplayed_lines
    assert review == Review("out of rounds", "Two.", objections="The figure is wrong.")


async def test_an_approval_in_the_last_round_still_reaches_the_summarizer(tmp_path: Path) -> None:
    lines = ("generator", "Draft."), ("reviewer", APPROVE), ("summarizer", "Sum.")
    with answers(tmp_path, *lines) as (_, model):
        assert (await ReviewsOnce(model).run("Write.")).summary == "Sum."


async def test_the_generator_is_given_the_notes_and_the_summarizer_the_last_draft(
    tmp_path: Path,
) -> None:
    lines = [
        ("generator", "One."),
        ("reviewer", REVISE),
        ("generator", "Two."),
        ("reviewer", APPROVE),
        ("summarizer", "Sum."),
    ]
    with answers(tmp_path, *lines) as (replay, model):
        await GraphFlowReview(model).run("Write.")
        requests = {(e.lane, e.call): json.dumps(e.request) for e in replay.ledger.exchanges}
    assert "The figure is wrong." in requests["generator", 2]
    assert "Two." in requests["summarizer", 1]
    assert "One." not in requests["summarizer", 1]


async def test_a_streamed_review_has_the_same_result_and_passes_on_every_chunk(
    tmp_path: Path,
) -> None:
    lines = ("generator", "It was lost."), ("reviewer", APPROVE), ("summarizer", "Sum.")
    texts: dict[str, str] = {}

    def on_chunk(agent: str, text: str) -> None:
        texts[agent] = texts.get(agent, "") + text

    with answers(tmp_path, *lines) as (_, model):
        review = await GraphFlowReview(model, on_chunk=on_chunk).run("Write.")
    assert review == Review("approved", "It was lost.", summary="Sum.")
    assert (texts["generator"], texts["summarizer"]) == ("It was lost.", "Sum.")


async def test_a_review_can_be_cancelled_while_the_model_hangs(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    tape.write_text('{"lane": "generator", "origin": "scripted", "reply": {"content": "x"}}')
    with replay_tape(Tape.load(tape), [hangs("generator")]) as replay:
        model = Model("taped", replay.base_url, "key", timeout_s=None)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(GraphFlowReview(model).run("Write."), timeout=0.5)


async def test_concurrent_reviews_leave_separate_traces(tmp_path: Path, store: str) -> None:
    async def run_review(number: int) -> Trace:
        folder = tmp_path / str(number)
        folder.mkdir()
        lines = [
            ("generator", f"Draft {number}."),
            ("reviewer", APPROVE),
            ("summarizer", f"Sum {number}."),
        ]
        with answers(folder, *lines) as (_, model), record_run() as run:
            await GraphFlowReview(model).run(f"Write {number}.")
        return trace_from_mlflow(trace.to_dict() for trace in run.traces())

    with enable_tracing(store):
        traces = await asyncio.gather(*map(run_review, range(5)))
    for number, trace in enumerate(traces):
        assert trace.agents == ("generator", "reviewer", "summarizer")
        assert trace.root.inputs == {"task": f"Write {number}."}
        assert trace.root.outputs["summary"] == f"Sum {number}."
        assert [span.type for span in trace].count("LLM") == 3


async def test_one_instance_can_review_several_texts_at_once(tmp_path: Path) -> None:
    lines = [("generator", "One."), ("reviewer", REVISE)] * 2
    with answers(tmp_path, *lines) as (_, model):
        workflow = ReviewsOnce(model)
        reviews = await asyncio.gather(workflow.run("Write."), workflow.run("Write."))
    assert [review.outcome for review in reviews] == ["out of rounds"] * 2


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_cut_off_by_the_token_limit_is_an_error(
    streamed: bool, tmp_path: Path
) -> None:
    tape = tmp_path / "tape.jsonl"
    reply = {"content": "It came down to 57 km, whe", "finish_reason": "length"}
    tape.write_text(json.dumps({"lane": "generator", "origin": "scripted", "reply": reply}))
    on_chunk = (lambda agent, text: None) if streamed else None
    with replay_tape(Tape.load(tape)) as replay:
        model = Model("taped", replay.base_url, "key")
        with pytest.raises(RuntimeError, match="TruncatedAnswerError: the model reached its token"):
            await GraphFlowReview(model, on_chunk=on_chunk).run("Write.")

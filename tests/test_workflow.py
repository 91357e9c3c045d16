"""The review workflow, called as a person's own code would call it."""

import asyncio
import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from instrumentation.trace import trace as traces
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.tape.tape import Tape
from workflows.graphflow_review import Review, review
from workflows.model import Model, ModelNotConfiguredError

APPROVE = {"decision": "approve", "notes": "Right."}
REVISE = {"decision": "revise", "notes": "The figure is wrong."}


@contextmanager
def taped(folder: Path, *lines: tuple[str, Any]) -> Iterator[tuple[ReplayServer, Model]]:
    tape = folder / "tape.jsonl"
    tape.write_text(
        "\n".join(
            json.dumps({"lane": lane, "origin": "scripted", "reply": {"content": content}})
            for lane, content in lines
        )
    )
    with replay_tape(Tape.load(tape)) as replay:
        yield replay, Model("taped", replay.base_url, "key")


async def test_an_approved_draft_is_summed_up(tmp_path: Path) -> None:
    lines = ("generator", "Draft."), ("reviewer", APPROVE), ("summarizer", "Sum.")
    with taped(tmp_path, *lines) as (_, model):
        assert await review("Write.", model) == Review("approved", "Draft.", summary="Sum.")


async def test_running_out_of_rounds_is_an_outcome_with_draft_and_objections(
    tmp_path: Path,
) -> None:
    lines = [
        ("generator", "One."),
        ("reviewer", REVISE),
        ("generator", "Two."),
        ("reviewer", REVISE),
    ]
    with taped(tmp_path, *lines) as (replay, model):
        ended = await review("Write.", model, rounds=2)
        assert not replay.unplayed_lines
    assert ended == Review("out of rounds", "Two.", objections="The figure is wrong.")


async def test_approval_in_the_last_round_still_reaches_the_summarizer(tmp_path: Path) -> None:
    lines = ("generator", "Draft."), ("reviewer", APPROVE), ("summarizer", "Sum.")
    with taped(tmp_path, *lines) as (_, model):
        assert (await review("Write.", model, rounds=1)).summary == "Sum."


async def test_notes_reach_the_generator_and_the_last_draft_the_summarizer(tmp_path: Path) -> None:
    lines = [
        ("generator", "One."),
        ("reviewer", REVISE),
        ("generator", "Two."),
        ("reviewer", APPROVE),
        ("summarizer", "Sum."),
    ]
    with taped(tmp_path, *lines) as (replay, model):
        await review("Write.", model)
        asked = {(e.lane, e.call): json.dumps(e.request) for e in replay.ledger.exchanges}
    assert "The figure is wrong." in asked["generator", 2]
    assert "Two." in asked["summarizer", 1]
    assert "One." not in asked["summarizer", 1]


async def test_streamed_the_outcome_is_the_same_and_every_piece_is_heard(tmp_path: Path) -> None:
    lines = ("generator", "It was lost."), ("reviewer", APPROVE), ("summarizer", "Sum.")
    heard: dict[str, str] = {}

    def hear(agent: str, text: str) -> None:
        heard[agent] = heard.get(agent, "") + text

    with taped(tmp_path, *lines) as (_, model):
        ended = await review("Write.", model, on_text=hear)
    assert ended == Review("approved", "It was lost.", summary="Sum.")
    assert (heard["generator"], heard["summarizer"]) == ("It was lost.", "Sum.")


async def test_being_cancelled_ends_it_though_a_model_hangs(tmp_path: Path) -> None:
    from scenarios.replay.faults import hangs

    tape = tmp_path / "tape.jsonl"
    tape.write_text('{"lane": "generator", "origin": "scripted", "reply": {"content": "x"}}')
    with replay_tape(Tape.load(tape), [hangs("generator")]) as replay:
        model = Model("taped", replay.base_url, "key")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(review("Write.", model, deadline_s=None), timeout=0.5)


async def test_runs_at_once_leave_a_trace_each_with_nothing_of_the_others(
    tmp_path: Path, store: str
) -> None:
    async def one(number: int) -> traces.Trace:
        folder = tmp_path / str(number)
        folder.mkdir()
        lines = [
            ("generator", f"Draft {number}."),
            ("reviewer", APPROVE),
            ("summarizer", f"Sum {number}."),
        ]
        with taped(folder, *lines) as (_, model), record_run() as run:
            await review(f"Write {number}.", model)
        return traces.trace_from_mlflow(found.to_dict() for found in run.traces())

    with enable_tracing(store):
        left = await asyncio.gather(*map(one, range(5)))
    for number, trace in enumerate(left):
        assert trace.agents == ("generator", "reviewer", "summarizer")
        assert trace.root.inputs == {"task": f"Write {number}."}
        assert trace.root.outputs["summary"] == f"Sum {number}."
        assert [span.type for span in trace].count("LLM") == 3


def test_nobody_waits_for_ever_unasked() -> None:
    deadline_s = inspect.signature(review).parameters["deadline_s"].default
    assert 0 < deadline_s <= 120


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_that_ran_into_its_token_limit_is_not_taken_for_whole(
    streamed: bool, tmp_path: Path
) -> None:
    tape = tmp_path / "tape.jsonl"
    reply = {"content": "It came down to 57 km, whe", "finish_reason": "length"}
    tape.write_text(json.dumps({"lane": "generator", "origin": "scripted", "reply": reply}))
    listener = (lambda agent, text: None) if streamed else None
    with replay_tape(Tape.load(tape)) as replay:
        model = Model("taped", replay.base_url, "key")
        with pytest.raises(RuntimeError, match="TruncatedAnswerError: the model reached its token limit"):
            await review("Write.", model, on_text=listener)


def test_a_model_does_not_show_its_key() -> None:
    assert "hidden-key" not in repr(Model("m", "http://127.0.0.1/v1", "hidden-key"))


def test_a_model_comes_from_the_environment() -> None:
    said = {"MODEL_NAME": "m", "OPENAI_API_KEY": "k"}
    assert Model.from_environment(said).base_url == "https://api.openai.com/v1"
    assert (
        Model.from_environment(said | {"OPENAI_BASE_URL": "http://x/v1"}).base_url == "http://x/v1"
    )
    with pytest.raises(ModelNotConfiguredError, match="OPENAI_API_KEY not set"):
        Model.from_environment({"MODEL_NAME": "m"})

"""Autologging of CrewAI: it turns on, and nothing is recorded while it is off."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow.crewai
import pytest
from crewai import Crew
from crewai.events.event_bus import CrewAIEventsBus

from instrumentation.tracing import enable_tracing, record_run
from patches.crewai import disable_autolog_wrappers
from patches.patch import apply_patches
from patches.registry import builtin_patches
from tests.support.autogen_agents import replay_lines, reply_line
from tests.support.crewai_crews import agent, crew, task, upstream_crewai_autolog


@contextmanager
def errors_of_mlflow() -> Generator[list[str]]:
    """What MLflow logs as an error."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, listener = logging.getLogger("mlflow.crewai"), Listener(logging.ERROR)
    level = logger.level
    logger.setLevel(logging.ERROR)
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)
        logger.setLevel(level)


@pytest.mark.xfail(reason="MLflow looks for a module that is gone", raises=AssertionError)
def test_autolog_alone_turns_on_without_an_error(store: str) -> None:
    with errors_of_mlflow() as said, upstream_crewai_autolog(store):
        assert said == []


def test_autolog_turns_on_without_an_error(store: str) -> None:
    with (
        errors_of_mlflow() as said,
        apply_patches(disable_autolog_wrappers.PATCH),
        upstream_crewai_autolog(store),
    ):
        assert said == []


def test_the_patches_leave_no_trace_on_crewai() -> None:
    def seen() -> dict[str, Any]:
        return {"emit": CrewAIEventsBus.emit} | {
            name: Crew.__dict__[name] for name in ("kickoff", "akickoff")
        }

    before = seen()
    with apply_patches(*builtin_patches(lambda turn: None, ("crewai",))):
        assert seen() != before
    assert seen() == before


def test_a_crew_works_unseen_while_autologging_is_off(tmp_path: Path, store: str) -> None:
    with (
        enable_tracing(store, frameworks=()),
        apply_patches(*builtin_patches(lambda turn: None, ("crewai",))),
        replay_lines(tmp_path, reply_line("a", "done")) as replay,
        record_run() as run,
    ):
        assert str(crew(task(agent(replay, "a"), "work")).kickoff()) == "done"
    assert run.traces() == []


def test_autologging_can_be_turned_off_between_two_runs(tmp_path: Path, store: str) -> None:
    lines = (reply_line("a", "done"), reply_line("a", "done"))
    with enable_tracing(store, frameworks=("crewai",)), replay_lines(tmp_path, *lines) as replay:
        with record_run() as first:
            crew(task(agent(replay, "a"), "work")).kickoff()
        mlflow.crewai.autolog(disable=True, silent=True)
        with record_run() as second:
            crew(task(agent(replay, "a"), "work")).kickoff()
        assert (len(first.traces()), len(second.traces())) == (1, 0)

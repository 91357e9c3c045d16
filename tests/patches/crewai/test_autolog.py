"""CrewAI's autologging turns on without an error, and records nothing while it is off."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow.crewai
import pytest
from crewai import Crew
from crewai.events.event_bus import CrewAIEventsBus
from packaging.version import Version

from instrumentation.tracing import enable_tracing, record_run
from patches.crewai import disable_autolog_wrappers
from patches.patch import apply_patches
from patches.registry import framework_patches
from tests.support.autogen_agents import load_trace, replay_lines, reply_line, trace_outline
from tests.support.crewai_crews import agent, crew, task
from tests.support.upstream_autolog import upstream_autolog


@contextmanager
def capture_mlflow_errors() -> Generator[list[str]]:
    """Yield the list of errors that MLflow logs during the block."""
    errors: list[str] = []

    class ListHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            errors.append(record.getMessage())

    logger, handler = logging.getLogger("mlflow.crewai"), ListHandler(logging.ERROR)
    level = logger.level
    logger.setLevel(logging.ERROR)
    logger.addHandler(handler)
    try:
        yield errors
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.mark.xfail(
    Version(mlflow.__version__) < Version("3.18"),
    reason="MLflow imports a module that CrewAI has removed",
    raises=AssertionError,
)
def test_upstream_autolog_turns_on_without_an_error(store: str) -> None:
    with capture_mlflow_errors() as errors, upstream_autolog("crewai", store):
        assert errors == []


def test_autolog_turns_on_without_an_error(store: str) -> None:
    with (
        capture_mlflow_errors() as errors,
        apply_patches(disable_autolog_wrappers.PATCH),
        upstream_autolog("crewai", store),
    ):
        assert errors == []


def test_a_crew_is_recorded_once_if_autologging_was_on_before(tmp_path: Path, store: str) -> None:
    with (
        upstream_autolog("crewai", store),
        enable_tracing(store, frameworks=("crewai",)),
        replay_lines(tmp_path, reply_line("a", "done")) as replay,
        record_run() as run,
    ):
        crew(task(agent(replay, "a"), "work")).kickoff()
    assert trace_outline(load_trace(run)) == [
        "office CHAIN OK",
        "  work TASK OK",
        "    a AGENT OK",
        "      chat_completion LLM OK",
    ]


def test_the_patches_are_undone() -> None:
    def current_methods() -> dict[str, Any]:
        return {"emit": CrewAIEventsBus.emit} | {
            name: Crew.__dict__[name] for name in ("kickoff", "akickoff")
        }

    before = current_methods()
    with apply_patches(*framework_patches("crewai", lambda turn: None)):
        assert current_methods() != before
    assert current_methods() == before


def test_nothing_is_recorded_while_autologging_is_off(tmp_path: Path, store: str) -> None:
    with (
        enable_tracing(store, frameworks=()),
        apply_patches(*framework_patches("crewai", lambda turn: None)),
        replay_lines(tmp_path, reply_line("a", "done")) as replay,
        record_run() as run,
    ):
        assert str(crew(task(agent(replay, "a"), "work")).kickoff()) == "done"
    assert run.traces() == []


def test_autologging_can_be_turned_off_between_runs(tmp_path: Path, store: str) -> None:
    lines = (reply_line("a", "done"), reply_line("a", "done"))
    with enable_tracing(store, frameworks=("crewai",)), replay_lines(tmp_path, *lines) as replay:
        with record_run() as first:
            crew(task(agent(replay, "a"), "work")).kickoff()
        mlflow.crewai.autolog(disable=True, silent=True)
        with record_run() as second:
            crew(task(agent(replay, "a"), "work")).kickoff()
        assert (len(first.traces()), len(second.traces())) == (1, 0)

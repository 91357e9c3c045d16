"""Crews, agents and flows that end without a word: CrewAI announces an `Exception` and no more.

Of a run that is cancelled, or interrupted from the keyboard, the event bus is told nothing. Its
spans would stay open, its trace never be stored, and what runs next in the same context would be
taken for a part of it.
"""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from patches.patch import Patch
from patches.support.open_span import OpenSpan
from patches.support.subclass_wrapping import wrap_in_subclasses


@contextmanager
def _apply() -> Generator[None]:
    from crewai import Agent, Crew
    from crewai.flow.flow import Flow

    entries = {
        Crew: ("kickoff", "akickoff"),
        Agent: ("kickoff", "kickoff_async"),
        Flow: ("kickoff_async",),
    }
    with ExitStack() as stack:
        for cls, names in entries.items():
            for name in names:
                stack.enter_context(wrap_in_subclasses(cls, name, _wrap_entry_point))
        yield


def _wrap_entry_point(entry: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an entry. What is called and gives a coroutine got it from an entry that is awaited."""

    @wraps(entry)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        with _end_spans_on_error():
            return await entry(*args, **kwargs)

    @wraps(entry)
    def called(*args: Any, **kwargs: Any) -> Any:
        with _end_spans_on_error():
            return entry(*args, **kwargs)

    return awaited if iscoroutinefunction(entry) else called


@contextmanager
def _end_spans_on_error() -> Generator[None]:
    """Whatever the block leaves open when an error passes through it ends with that error."""
    around = OpenSpan.innermost()
    try:
        yield
    except BaseException as error:
        OpenSpan.end_open_spans(around, error)
        raise


PATCH = Patch(
    name="crewai_interrupted",
    symptom="a crew that is cancelled or interrupted leaves no trace",
    upstream="crewai.Crew.kickoff and akickoff (`except Exception`)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="a cancelled akickoff emits crew_kickoff_failed",
    canary="tests/patches/crewai/test_interrupted_runs.py::test_crewai_alone_announces_that_a_crew_was_cancelled",
    apply=_apply,
)

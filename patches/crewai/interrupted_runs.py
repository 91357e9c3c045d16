"""End the spans of CrewAI runs that are cancelled or interrupted, which emit no end event.

CrewAI emits a failure event only for an `Exception`. After a cancellation or Ctrl-C its spans would
stay open, the trace would never be stored, and the next run in the same context would become part
of it. The kickoffs of crews are wrapped by `kickoffs.py`.
"""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from inspect import iscoroutinefunction
from typing import Any

from patches.patch import Patch
from patches.support.call_wrapping import OnResult, ignore_result, wrap_async_call, wrap_call
from patches.support.open_span import OpenSpan
from patches.support.subclass_wrapping import wrap_in_all_subclasses


@contextmanager
def _apply() -> Generator[None]:
    from crewai import Agent, Crew
    from crewai.flow.flow import Flow

    entry_points = {
        Crew: ("replay", "train", "test"),
        Agent: ("kickoff", "kickoff_async"),
        Flow: ("kickoff_async",),
    }
    with ExitStack() as stack:
        for cls, names in entry_points.items():
            for name in names:
                stack.enter_context(wrap_in_all_subclasses(cls, name, _wrap_entry_point))
        yield


def _wrap_entry_point(entry_point: Callable[..., Any]) -> Callable[..., Any]:
    """End open spans on an error.

    A plain function that returns a coroutine needs no more: it gets the coroutine from one of the
    wrapped coroutine functions.
    """
    wrap = wrap_async_call if iscoroutinefunction(entry_point) else wrap_call
    return wrap(_end_spans_on_error, entry_point)


@contextmanager
def _end_spans_on_error(*args: Any, **kwargs: Any) -> Generator[OnResult]:
    """End the spans that the block leaves open when an error ends it, with that error."""
    outer = OpenSpan.innermost()
    try:
        yield ignore_result
    except BaseException as error:
        OpenSpan.end_open_spans(outer, error)
        raise


PATCH = Patch(
    name="crewai.interrupted_runs",
    symptom="an agent or a flow that is cancelled or interrupted leaves no trace",
    upstream="crewai.Agent.kickoff, crewai.Flow.kickoff_async (`except Exception`)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="a cancelled akickoff emits crew_kickoff_failed",
    canary="tests/patches/crewai/test_interrupted_runs.py"
    "::test_upstream_crewai_emits_a_failure_for_a_cancelled_crew",
    apply=_apply,
    wraps={
        "crewai:Agent.kickoff": "self",
        "crewai:Agent.kickoff_async": "self",
        "crewai.flow.flow:Flow.kickoff_async": "self",
        "crewai:Crew.replay": "self",
        "crewai:Crew.train": "self",
        "crewai:Crew.test": "self",
    },
)

"""Record work of CrewAI that fails before its start event, or without an end event.

CrewAI emits a failure event only for an `Exception`. After a cancellation or Ctrl-C its spans would
stay open, the trace would never be stored, and the next run in the same context would become part
of it. An agent or a flow that rejects its inputs fails before it emits anything. A save to memory
in the background may start after the work around it has ended, and its failure event comes outside
of its context. The kickoffs of crews are wrapped by `kickoff_callbacks_in_crew_span.py`.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

from patches.crewai.spans.auxiliary_spans import OperationSpan
from patches.crewai.spans.crew_spans import AgentSpan, FlowSpan, is_internal_flow
from patches.crewai.spans.event_span import EventSpan, ExpectedStart, to_json
from patches.patch import Patch
from patches.support.autolog_wrappers import is_autolog_on
from patches.support.call_wrapping import OnResult, ignore_result, set_for_block, wrap_call
from patches.support.error_boundaries import OnError
from patches.support.span_lifetime import end_spans_on_error


@dataclass(eq=False)
class EntryCall:
    """A call of `kickoff`, and the call around it; `has_started` after its start event."""

    owner: Any
    outer: "EntryCall | None"
    has_started: bool = False


_INNERMOST: ContextVar[EntryCall | None] = ContextVar("innermost entry call", default=None)


def note_start(owner: object) -> None:
    """Note that the start event of an agent or a flow was emitted."""
    call = _INNERMOST.get()
    while call is not None:
        call.has_started = call.has_started or call.owner is owner
        call = call.outer


@contextmanager
def record_early_failure(
    open_span: Callable[[Any, Any], EventSpan], owner: Any, inputs: Any
) -> Generator[None]:
    """Open and end a failed span if the block fails before the start event of its owner."""
    call = EntryCall(owner, _INNERMOST.get())

    def record(error: BaseException) -> None:
        if not call.has_started and _is_recorded(owner):
            note_start(owner)  # the call of `super().kickoff()` is recorded once
            open_span(owner, inputs).end(error)

    with set_for_block(_INNERMOST, call), OnError(record):
        yield


def open_agent_span(agent: Any, messages: Any) -> AgentSpan:
    """Open the span of an agent that works on its own."""
    start_type = "lite_agent_execution_started"
    return AgentSpan(agent, ExpectedStart(type=start_type, tools=(), messages=to_json(messages)))


def open_flow_span(flow: Any, inputs: Any) -> FlowSpan:
    """Open the span of a flow."""
    name = flow.name or type(flow).__name__
    return FlowSpan(flow, ExpectedStart(type="flow_started", flow_name=name, inputs=inputs))


def _is_recorded(owner: object) -> bool:
    from crewai.flow.flow import Flow

    is_internal = isinstance(owner, Flow) and is_internal_flow(owner)
    return is_autolog_on("crewai") and not is_internal


@contextmanager
def _run_series(*_: Any, **__: Any) -> Generator[OnResult]:
    with end_spans_on_error():
        yield ignore_result


@contextmanager
def _run_agent(agent: Any, messages: Any = None, *_: Any, **__: Any) -> Generator[OnResult]:
    with end_spans_on_error(), record_early_failure(open_agent_span, agent, messages):
        yield ignore_result


@contextmanager
def _begin_save(memory: Any, contents: Any, *_: Any, **__: Any) -> Generator[OnResult]:
    """Open the span of a save before the work around it may end: the save is queued."""
    if not contents or memory.read_only or not is_autolog_on("crewai"):
        yield ignore_result
        return
    value = f"{len(contents)} memories (background)"
    start = ExpectedStart(type="memory_save_started", value=value, metadata=None)
    with OperationSpan(memory, start).active():
        yield ignore_result


@contextmanager
def _save(*_: Any, **__: Any) -> Generator[OnResult]:
    save = OperationSpan.nearest()
    with OnError(save.end if save is not None else ignore_result), end_spans_on_error():
        yield ignore_result


@contextmanager
def _run_flow(flow: Any, inputs: Any = None, *_: Any, **__: Any) -> Generator[OnResult]:
    with end_spans_on_error(), record_early_failure(open_flow_span, flow, inputs):
        yield ignore_result


PATCH = Patch(
    name="crewai.interrupted_runs",
    symptom=(
        "an agent or a flow that rejects its inputs, or is cancelled, leaves no trace; a save to"
        " memory that fails in the background is abandoned without its error"
    ),
    upstream="crewai.Agent.kickoff, crewai.Flow.kickoff_async (`except Exception`)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="a cancelled akickoff emits crew_kickoff_failed",
    canary="tests/patches/crewai/test_interrupted_runs.py"
    "::test_upstream_crewai_emits_a_failure_for_a_cancelled_crew",
    methods={  # a plain function that returns a coroutine gets it from a wrapped one
        "crewai:Agent.kickoff": ("self, messages", partial(wrap_call, _run_agent)),
        "crewai:Agent.kickoff_async": ("self, messages", partial(wrap_call, _run_agent)),
        "crewai.flow.flow:Flow.kickoff_async": ("self, inputs", partial(wrap_call, _run_flow)),
        "crewai:Crew.replay": ("self", partial(wrap_call, _run_series)),
        "crewai:Crew.train": ("self", partial(wrap_call, _run_series)),
        "crewai:Crew.test": ("self", partial(wrap_call, _run_series)),
        "crewai:Memory.remember_many": ("self, contents", partial(wrap_call, _begin_save)),
        "crewai:Memory._background_encode_batch": ("self", partial(wrap_call, _save)),
    },
)

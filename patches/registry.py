"""Functions that list the built-in patches, in the order in which they are applied."""

from patches.autogen import (
    chat_format,
    completion_after_tool_call,
    completion_spans,
    core_spans,
    team_spans,
    tool_spans,
)
from patches.autogen.turn_spans import turn_spans_patch
from patches.crewai import (
    custom_model_calls,
    disable_autolog_wrappers,
    interrupted_runs,
    kickoff_callbacks_in_crew_span,
    mark_cached_tool_calls,
    model_replies,
    rejected_tool_calls,
    skipped_tasks,
    unparsed_structured_outputs,
    untruncated_messages,
)
from patches.crewai.spans_from_events import spans_from_events_patch
from patches.mlflow import keep_remote_traces, late_trace_buffer_size, trace_id_generator_destructor
from patches.mlflow.export_queue import fast_flush, memory_limit, retry_queues, traces_before_spans
from patches.mlflow.spans import (
    cancelled_spans,
    interrupted_generators,
    separate_autolog_sessions,
    unwritable_values,
)
from patches.mlflow.spans.http_attempts import OnAttempt, http_attempts_patch
from patches.mlflow.store import connect_on_first_write, forked_processes
from patches.mlflow.store.costly_writes import costly_writes_patch
from patches.openai import completion_spans as openai_completion_spans
from patches.patch import Patch
from patches.python import run_tags_in_threads
from patches.support.turn import OnTurn
from patches.tavily import base_url

FRAMEWORKS = ("autogen", "crewai", "openai")
"""Frameworks whose autologging has patches, named as in `mlflow.<framework>.autolog`."""


def mlflow_patches(on_attempt: OnAttempt | None = None) -> tuple[Patch, ...]:
    """Return the patches for MLflow itself, to be applied before those of a framework.

    `on_attempt` is called for each HTTP request that a completion sends.
    """
    return (
        forked_processes.PATCH,
        trace_id_generator_destructor.PATCH,
        late_trace_buffer_size.PATCH,
        memory_limit.PATCH,
        retry_queues.PATCH,
        connect_on_first_write.PATCH,
        costly_writes_patch(),
        fast_flush.PATCH,
        traces_before_spans.PATCH,
        keep_remote_traces.PATCH,
        separate_autolog_sessions.PATCH,
        cancelled_spans.PATCH,
        interrupted_generators.PATCH,
        unwritable_values.PATCH,
        run_tags_in_threads.PATCH,
        # Before the openai patch: an attempt is recorded before the span of its completion ends.
        *((http_attempts_patch(on_attempt),) if on_attempt else ()),
    )


def client_patches() -> tuple[Patch, ...]:
    """Return the patches that point clients to a tape; tracing does not need them."""
    return (base_url.PATCH,)


def framework_patches(framework: str, on_turn: OnTurn) -> tuple[Patch, ...]:
    """Return the patches for a framework, in the order in which they are applied.

    `on_turn` is called when an agent's turn starts. The framework is not imported here.
    """
    by_framework: dict[str, tuple[Patch, ...]] = {
        "autogen": (
            completion_after_tool_call.PATCH,
            chat_format.PATCH,
            team_spans.PATCH,
            turn_spans_patch(on_turn),
            completion_spans.PATCH,
            tool_spans.PATCH,
            core_spans.PATCH,
        ),
        "crewai": (
            disable_autolog_wrappers.PATCH,
            untruncated_messages.PATCH,
            spans_from_events_patch(on_turn),
            interrupted_runs.PATCH,
            kickoff_callbacks_in_crew_span.PATCH,
            unparsed_structured_outputs.PATCH,
            model_replies.PATCH,
            custom_model_calls.PATCH,
            rejected_tool_calls.PATCH,
            skipped_tasks.PATCH,
            mark_cached_tool_calls.PATCH,
        ),
        "openai": (openai_completion_spans.PATCH,),
    }
    return by_framework[framework]

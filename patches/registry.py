"""The repairs: every patch of the house, in the order in which they go on."""

from collections.abc import Sequence

from patches.autogen import chat_format, team_spans, tool_result_content, tool_spans
from patches.autogen import completion_spans as autogen_completion_spans
from patches.autogen.turn_spans import turn_spans_patch
from patches.crewai import (
    disable_autolog_wrappers,
    interrupted_runs,
    reply_text,
    unparsed_replies,
    untruncated_messages,
)
from patches.crewai.event_bus import event_bus_patch
from patches.mlflow import (
    autolog_after_errors,
    cancelled_spans,
    remote_traces,
    trace_buffer_size,
    trace_id_generator,
    traced_generators,
)
from patches.mlflow.export_queue import fast_flush, fork_safe_queue, memory_limit, retry_queues
from patches.mlflow.http_attempts import OnAttempt, http_attempts_patch
from patches.openai import completion_spans as openai_completion_spans
from patches.patch import Patch
from patches.support.turn import OnTurn

FRAMEWORKS = ("autogen", "crewai", "openai")
"""Whose autologging is repaired: as `mlflow.<framework>.autolog` names them."""


def builtin_patches(
    on_turn: OnTurn,
    frameworks: Sequence[str] = FRAMEWORKS,
    on_attempt: OnAttempt | None = None,
) -> tuple[Patch, ...]:
    """Those of MLflow itself, and those of the frameworks named; none of them imports another's.

    `on_turn` is told of each turn of an agent as it starts; `on_attempt` of each HTTP request that
    a completion takes, if it is given.
    """
    of_framework: dict[str, tuple[Patch, ...]] = {
        "autogen": (
            tool_result_content.PATCH,
            chat_format.PATCH,
            team_spans.PATCH,
            turn_spans_patch(on_turn),
            autogen_completion_spans.PATCH,
            tool_spans.PATCH,
        ),
        "crewai": (
            disable_autolog_wrappers.PATCH,
            untruncated_messages.PATCH,
            event_bus_patch(on_turn),
            interrupted_runs.PATCH,
            unparsed_replies.PATCH,
            reply_text.PATCH,
        ),
        "openai": (openai_completion_spans.PATCH,),
    }
    # What is told of an attempt is told before its completion, which is about its last one, ends.
    told = (http_attempts_patch(on_attempt),) if on_attempt and frameworks else ()
    chosen = (patch for framework in frameworks for patch in of_framework[framework])
    of_mlflow = (
        fork_safe_queue.PATCH,
        trace_id_generator.PATCH,
        trace_buffer_size.PATCH,
        memory_limit.PATCH,
        retry_queues.PATCH,
        fast_flush.PATCH,
        remote_traces.PATCH,
        autolog_after_errors.PATCH,
        cancelled_spans.PATCH,
        traced_generators.PATCH,
    )
    return (*of_mlflow, *told, *chosen)

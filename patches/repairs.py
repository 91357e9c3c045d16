"""The repairs: every patch of the house, in the order in which they go on."""

from collections.abc import Sequence

from patches import (
    autogen_chat_format,
    autogen_completions,
    autogen_content_type,
    autogen_teams,
    autogen_tools,
    autolog_blindness,
    backlog,
    cancelled_spans,
    crewai_autolog,
    crewai_interrupted,
    crewai_messages,
    crewai_said,
    crewai_unparsed,
    forked,
    openai_completions,
    prompt_flush,
    remote_traces,
    trace_buffer,
    trace_ids,
    traced_streams,
    unstored,
)
from patches.autogen_turns import turns
from patches.crewai_events import events
from patches.http_attempts import OnAttempt, attempts
from patches.patch import Patch
from patches.turn import OnTurn

FRAMEWORKS = ("autogen", "crewai", "openai")
"""Whose autologging is repaired: as `mlflow.<framework>.autolog` names them."""


def repairs(
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
            autogen_content_type.PATCH,
            autogen_chat_format.PATCH,
            autogen_teams.PATCH,
            turns(on_turn),
            autogen_completions.PATCH,
            autogen_tools.PATCH,
        ),
        "crewai": (
            crewai_autolog.PATCH,
            crewai_messages.PATCH,
            events(on_turn),
            crewai_interrupted.PATCH,
            crewai_unparsed.PATCH,
            crewai_said.PATCH,
        ),
        "openai": (openai_completions.PATCH,),
    }
    # What is told of an attempt is told before its completion, which is about its last one, ends.
    told = (attempts(on_attempt),) if on_attempt and frameworks else ()
    chosen = (patch for framework in frameworks for patch in of_framework[framework])
    of_mlflow = (
        forked.PATCH,
        trace_ids.PATCH,
        trace_buffer.PATCH,
        backlog.PATCH,
        unstored.PATCH,
        prompt_flush.PATCH,
        remote_traces.PATCH,
        autolog_blindness.PATCH,
        cancelled_spans.PATCH,
        traced_streams.PATCH,
    )
    return (*of_mlflow, *told, *chosen)

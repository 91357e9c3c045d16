"""The repairs: every patch of the house, in the order in which they go on."""

from patches import (
    autogen_chat_format,
    autogen_completions,
    autogen_content_type,
    autogen_teams,
    autogen_tools,
    autolog_blindness,
    cancelled_spans,
    prompt_flush,
)
from patches.autogen_turns import OnTurn, turns
from patches.patch import Patch


def repairs(on_turn: OnTurn) -> tuple[Patch, ...]:
    """All of them; `on_turn` is told of each turn of an agent as it starts."""
    return (
        prompt_flush.PATCH,
        autolog_blindness.PATCH,
        cancelled_spans.PATCH,
        autogen_content_type.PATCH,
        autogen_chat_format.PATCH,
        autogen_teams.PATCH,
        turns(on_turn),
        autogen_completions.PATCH,
        autogen_tools.PATCH,
    )

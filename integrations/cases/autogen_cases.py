"""Cases of AutoGen: single agents, teams, tools, errors and cancellation."""

from typing import Any

from integrations.cases.case import Case
from integrations.cases.scripted_replies import ScriptedReply, scripted_reply, scripted_tool_calls
from scenarios.replay.faults import hangs, unavailable, waits_for_lanes

PASS_ARGUMENTS: dict[str, Any] = {"place": "the pass"}
CALLS_SNOW = scripted_tool_calls("warden", ("snow", PASS_ARGUMENTS))
ANSWER = scripted_reply("warden", "The snow lies 40 cm deep on the pass.")
ONE_TURN: dict[str, Any] = {"turns": ("warden",)}


def _case(name: str, title: str, *replies: ScriptedReply, **ground_truth: Any) -> Case:
    return Case(name, "autogen", title, replies, **ground_truth)


AUTOGEN_CASES = (
    _case("agent_with_tool", "agent with tool", CALLS_SNOW, **ONE_TURN),
    _case("reflect_on", "tool, reflect on", CALLS_SNOW, ANSWER, **ONE_TURN),
    _case("reflect_off", "tool, reflect off", CALLS_SNOW, **ONE_TURN),
    _case(
        "tool_loop",
        "tool loop",
        CALLS_SNOW,
        scripted_tool_calls("warden", ("snow", {"place": "the hut"})),
        ANSWER,
        **ONE_TURN,
    ),
    _case(
        "parallel_tools",
        "parallel tools",
        scripted_tool_calls("warden", ("snow", PASS_ARGUMENTS), ("wind", PASS_ARGUMENTS)),
        scripted_reply("warden", "Deep snow, and a gale."),
        **ONE_TURN,
    ),
    _case(
        "graphflow_run",
        "GraphFlow, run",
        scripted_reply("writer", "The sea is wide."),
        scripted_reply("critic", "Wider than what?"),
        scripted_reply("editor", "The sea is wider than the land."),
        turns=("writer", "critic", "editor"),
        handoffs=(("writer", "critic"), ("writer", "editor"), ("critic", "editor")),
    ),
    _case(
        "graphflow_run_stream",
        "GraphFlow, run_stream",
        scripted_reply("writer", "The sea is ours."),
        scripted_reply("lawyer", "It is nobody's."),
        scripted_reply("critic", "It is not even a sentence about the sea."),
        scripted_reply("editor", "The sea is wide, and nobody's."),
        turns=("writer", "lawyer", "critic", "editor"),
        handoffs=(
            ("writer", "lawyer"),
            ("writer", "critic"),
            ("writer", "editor"),
            ("lawyer", "editor"),
            ("critic", "editor"),
        ),
        # The lawyer and the critic run in parallel; the lawyer always finishes first.
        faults=(waits_for_lanes("critic", until_calls={"lawyer": 1}, delay_s=0.2),),
    ),
    _case(
        "client_streaming",
        "client streaming",
        scripted_tool_calls("writer", ("tide", {"place": "the harbour"})),
        scripted_reply("writer", "The tide is high at noon."),
        scripted_reply("critic", "High, and dry."),
        turns=("writer", "critic"),
        handoffs=(("writer", "critic"),),
    ),
    _case(
        "selector",
        "SelectorGroupChat",
        scripted_reply("selector", "doctor"),
        scripted_reply("doctor", "His foot is broken."),
        scripted_reply("selector", "climber"),
        scripted_reply("climber", "Then we go down."),
        scripted_reply("selector", "doctor"),
        scripted_reply("doctor", "At once."),
        turns=("doctor", "climber", "doctor"),
        handoffs=(("doctor", "climber"), ("climber", "doctor")),
        team_lanes=("selector",),
    ),
    _case(
        "swarm",
        "Swarm",
        scripted_tool_calls("porter", ("transfer_to_pilot", {})),
        scripted_tool_calls("pilot", ("wind", PASS_ARGUMENTS)),
        scripted_reply("pilot", "Too much wind to fly."),
        scripted_tool_calls("pilot", ("transfer_to_porter", {})),
        scripted_reply("porter", "DELIVERED, on foot."),
        turns=("porter", "pilot", "pilot", "porter"),
        handoffs=(("porter", "pilot"), ("pilot", "porter")),
    ),
    _case(
        "round_robin",
        "RoundRobin",
        scripted_reply("poet", "The sea, the sea."),
        scripted_reply("critic", "Once would do."),
        scripted_reply("poet", "The sea."),
        turns=("poet", "critic", "poet"),
        handoffs=(("poet", "critic"), ("critic", "poet")),
    ),
    _case(
        "raising_tool",
        "raising tool",
        CALLS_SNOW,
        scripted_reply("warden", "The gauge does not answer."),
        **ONE_TURN,
    ),
    _case(
        "raising_model",
        "raising model",
        faults=(unavailable("warden", status=400),),
        expected_error="BadRequestError",
        **ONE_TURN,
    ),
    _case(
        "handled_error",
        "handled error, then more work",
        scripted_tool_calls("warden", ("ask", {"question": "Is the pass open?"})),
        scripted_reply("guide", "It is open until dusk."),
        scripted_reply("warden", "Go now: it is open until dusk."),
        turns=("warden", "guide", "guide"),
        faults=(unavailable("guide", status=503),),
    ),
    _case("cancelled", "cancellation", faults=(hangs("warden"),), **ONE_TURN),
    _case(
        "defined_late",
        "agents defined late",
        scripted_reply("herald", "The king is back."),
        turns=("crier", "herald"),
    ),
)

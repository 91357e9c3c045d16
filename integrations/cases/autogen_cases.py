"""The cases of AutoGen."""

from typing import Any

from integrations.cases.case import Case
from integrations.cases.scripted_replies import calls, says
from scenarios.replay.faults import hangs, held, unavailable

PASS: dict[str, Any] = {"place": "the pass"}
ASKS = calls("warden", ("snow", PASS))
TELLS = says("warden", "The snow lies 40 cm deep on the pass.")
ALONE: dict[str, Any] = {"turns": ("warden",)}


def _case(name: str, title: str, *lines: dict[str, Any], **known: Any) -> Case:
    return Case(name, "autogen", title, lines, **known)


CASES = (
    _case("agent_with_tool", "agent with tool", ASKS, **ALONE),
    _case("reflect_on", "tool, reflect on", ASKS, TELLS, **ALONE),
    _case("reflect_off", "tool, reflect off", ASKS, **ALONE),
    _case(
        "tool_loop",
        "tool loop",
        ASKS,
        calls("warden", ("snow", {"place": "the hut"})),
        TELLS,
        **ALONE,
    ),
    _case(
        "parallel_tools",
        "parallel tools",
        calls("warden", ("snow", PASS), ("wind", PASS)),
        says("warden", "Deep snow, and a gale."),
        **ALONE,
    ),
    _case(
        "graphflow_run",
        "GraphFlow, run",
        says("writer", "The sea is wide."),
        says("critic", "Wider than what?"),
        says("editor", "The sea is wider than the land."),
        turns=("writer", "critic", "editor"),
        handoffs=(("writer", "critic"), ("writer", "editor"), ("critic", "editor")),
    ),
    _case(
        "graphflow_run_stream",
        "GraphFlow, run_stream",
        says("writer", "The sea is ours."),
        says("lawyer", "It is nobody's."),
        says("critic", "It is not even a sentence about the sea."),
        says("editor", "The sea is wide, and nobody's."),
        turns=("writer", "lawyer", "critic", "editor"),
        handoffs=(
            ("writer", "lawyer"),
            ("writer", "critic"),
            ("writer", "editor"),
            ("lawyer", "editor"),
            ("critic", "editor"),
        ),
        # Both work at once, and the editor hears first of the lawyer, in each run.
        faults=(held("critic", until={"lawyer": 1}, delay_s=0.2),),
    ),
    _case(
        "client_streaming",
        "client streaming",
        calls("writer", ("tide", {"place": "the harbour"})),
        says("writer", "The tide is high at noon."),
        says("critic", "High, and dry."),
        turns=("writer", "critic"),
        handoffs=(("writer", "critic"),),
    ),
    _case(
        "selector",
        "SelectorGroupChat",
        says("selector", "doctor"),
        says("doctor", "His foot is broken."),
        says("selector", "climber"),
        says("climber", "Then we go down."),
        says("selector", "doctor"),
        says("doctor", "At once."),
        turns=("doctor", "climber", "doctor"),
        handoffs=(("doctor", "climber"), ("climber", "doctor")),
        outside=("selector",),
    ),
    _case(
        "swarm",
        "Swarm",
        calls("porter", ("transfer_to_pilot", {})),
        calls("pilot", ("wind", PASS)),
        says("pilot", "Too much wind to fly."),
        calls("pilot", ("transfer_to_porter", {})),
        says("porter", "DELIVERED, on foot."),
        turns=("porter", "pilot", "pilot", "porter"),
        handoffs=(("porter", "pilot"), ("pilot", "porter")),
    ),
    _case(
        "round_robin",
        "RoundRobin",
        says("poet", "The sea, the sea."),
        says("critic", "Once would do."),
        says("poet", "The sea."),
        turns=("poet", "critic", "poet"),
        handoffs=(("poet", "critic"), ("critic", "poet")),
    ),
    _case(
        "raising_tool", "raising tool", ASKS, says("warden", "The gauge does not answer."), **ALONE
    ),
    _case(
        "raising_model",
        "raising model",
        faults=(unavailable("warden", status=400),),
        ends="BadRequestError",
        **ALONE,
    ),
    _case(
        "handled_error",
        "handled error, then more work",
        calls("warden", ("ask", {"question": "Is the pass open?"})),
        says("guide", "It is open until dusk."),
        says("warden", "Go now: it is open until dusk."),
        turns=("warden", "guide", "guide"),
        faults=(unavailable("guide", status=503),),
    ),
    _case("cancelled", "cancellation", faults=(hangs("warden"),), **ALONE),
    _case(
        "defined_late",
        "agents defined late",
        says("herald", "The king is back."),
        turns=("crier", "herald"),
    ),
)

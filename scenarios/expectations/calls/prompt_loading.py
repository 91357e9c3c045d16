"""Expectations about prompts of a registry: does an agent load the released version?"""

from instrumentation.trace import Span, Trace
from scenarios.expectations.expectation import Expectation
from scenarios.expectations.wording import list_agents

VERSION = "flight_recorder.prompt.version"
RELEASED = "flight_recorder.prompt.released_version"


def loads_released_prompt(agent: str) -> Expectation:
    """Each prompt that the agent loads is the version that was released last."""

    def explain_failure(trace: Trace) -> str | None:
        loads = _loads(trace, agent)
        if not loads:
            return f"it loads no prompt of a release; agents at work: {list_agents(trace)}"
        return "; ".join(_describe(load) for load in loads if _is_old(load)) or None

    return Expectation(f"{agent} loads the released prompt", explain_failure, (agent,))


def loads_old_prompt(agent: str) -> Expectation:
    """The agent loads another version of a prompt than the one that was released last."""

    def explain_failure(trace: Trace) -> str | None:
        loads = _loads(trace, agent)
        if not loads:
            return f"it loads no prompt of a release; agents at work: {list_agents(trace)}"
        return None if any(map(_is_old, loads)) else "; ".join(map(_describe, loads))

    return Expectation(
        f"{agent} loads another version of its prompt than the released one",
        explain_failure,
        (agent,),
        signals_failure=True,
    )


def _loads(trace: Trace, agent: str) -> list[Span]:
    return [span for turn in trace.turns(agent) for span in turn if RELEASED in span.attributes]


def _is_old(load: Span) -> bool:
    return bool(load.attributes.get(VERSION) != load.attributes[RELEASED])


def _describe(load: Span) -> str:
    loaded, released = load.attributes.get(VERSION), load.attributes[RELEASED]
    return f"version {loaded} was loaded, version {released} was released"

"""Expectations about prompts of a registry: does an agent load the released version?"""

from instrumentation.trace import Span, Trace
from scenarios.expectations.expectation import expectation
from scenarios.expectations.wording import list_agents

VERSION_ATTRIBUTE = "flight_recorder.prompt.version"
RELEASED_VERSION_ATTRIBUTE = "flight_recorder.prompt.released_version"


@expectation("{agent} loads the released prompt")
def loads_released_prompt(trace: Trace, agent: str) -> str | None:
    """Each prompt that the agent loads is the version that was released last."""
    loads = _loads(trace, agent)
    if not loads:
        return f"it loads no prompt of a release; agents at work: {list_agents(trace)}"
    return "; ".join(_describe(load) for load in loads if _is_old(load)) or None


@expectation(
    "{agent} loads another version of its prompt than the released one", signals_failure=True
)
def loads_old_prompt(trace: Trace, agent: str) -> str | None:
    """The agent loads another version of a prompt than the one that was released last."""
    loads = _loads(trace, agent)
    if not loads:
        return f"it loads no prompt of a release; agents at work: {list_agents(trace)}"
    return None if any(map(_is_old, loads)) else "; ".join(map(_describe, loads))


def _loads(trace: Trace, agent: str) -> list[Span]:
    return [
        span
        for turn in trace.turns(agent)
        for span in turn
        if RELEASED_VERSION_ATTRIBUTE in span.attributes
    ]


def _is_old(load: Span) -> bool:
    return bool(
        load.attributes.get(VERSION_ATTRIBUTE) != load.attributes[RELEASED_VERSION_ATTRIBUTE]
    )


def _describe(load: Span) -> str:
    loaded, released = (
        load.attributes.get(VERSION_ATTRIBUTE),
        load.attributes[RELEASED_VERSION_ATTRIBUTE],
    )
    return f"version {loaded} was loaded, version {released} was released"

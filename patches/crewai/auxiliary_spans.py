"""The spans of what goes on beside turns and calls: guardrails, memory, knowledge, plans, flows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patches.crewai.crew_spans import AgentSpan, TaskSpan
from patches.crewai.event_span import EventSpan, short, shown, told_error
from patches.support.turn import Said


@dataclass(frozen=True)
class Aside:
    """What a span shows of a pair of events: its type, and the fields of the first and the last."""

    type: str
    given: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


ASIDES: Mapping[str, Aside] = {
    "memory_retrieval_started": Aside("MEMORY", found=("memory_content",)),
    "memory_query_started": Aside("MEMORY", given=("query", "limit"), found=("results",)),
    "memory_save_started": Aside("MEMORY", given=("value", "metadata")),
    "knowledge_query_started": Aside("RETRIEVER", given=("task_prompt",), found=("query",)),
    "knowledge_search_query_started": Aside("RETRIEVER", found=("query", "retrieved_knowledge")),
    "agent_reasoning_started": Aside("CHAIN", given=("attempt",), found=("plan", "ready")),
}
"""By the event that begins it. The name of the span is the event's, in words."""


class AsideSpan(EventSpan):
    """A pair of events as a span, by the table."""

    def __init__(self, source: Any, event: Any) -> None:
        self._aside = ASIDES[event.type]
        name = event.type.removesuffix("_started").replace("_", " ")
        given = _fields(event, self._aside.given)
        self.agent = AgentSpan.nearest()
        """In whose turn it began. What a memory saves it saves beside the turn, and longer."""
        super().__init__(source, event, name, self._aside.type, given)

    def close(self, event: Any) -> BaseException | None:
        self.outputs = _fields(event, self._aside.found)
        return super().close(event)


class GuardrailSpan(EventSpan):
    """A check of what a turn answered: whether it passed, and what it says if not."""

    def __init__(self, source: Any, event: Any) -> None:
        name = short(event.guardrail_name or "guardrail")
        task = TaskSpan.nearest()
        judged = {"output": task.last_output} if task is not None else {}
        attributes = {
            "guardrail.name": name,
            "guardrail.type": event.guardrail_type,
            "guardrail.retry_count": event.retry_count,
        }
        super().__init__(source, event, name, "GUARDRAIL", judged, attributes)

    def close(self, event: Any) -> BaseException | None:
        """That it says no is its work done; only what it raises is an error of its own."""
        self.span.set_attribute("guardrail.passed", event.success)
        said = {"result": shown(event.result)} if event.success else {"feedback": event.error}
        self.outputs = {"success": event.success} | said
        error = told_error(event)
        return error if error is not None and error.__traceback__ is not None else None


class FlowSpan(EventSpan):
    """A flow of the user's at work; those that CrewAI runs inside itself have none."""

    def __init__(self, flow: Any, event: Any) -> None:
        super().__init__(flow, event, event.flow_name, "CHAIN", shown(event.inputs or {}))
        self.said: dict[object, Said] = {}
        """What its crews came to, in the order in which they were done."""

    def close(self, event: Any) -> BaseException | None:
        self.outputs = shown(getattr(event, "result", None))
        return super().close(event)


class MethodSpan(EventSpan):
    """A method of a flow at work."""

    def __init__(self, flow: Any, event: Any) -> None:
        super().__init__(flow, event, event.method_name, "CHAIN", shown(event.params or {}))

    def ends_with(self, begun: str, source: Any, event: Any) -> bool:
        return super().ends_with(begun, source, event) and self.name == event.method_name

    def close(self, event: Any) -> BaseException | None:
        self.outputs = shown(getattr(event, "result", None))
        return super().close(event)


def asking() -> AgentSpan | None:
    """The agent in whose turn the running code asks a model, be it for a memory of its own."""
    aside = AsideSpan.nearest()
    agent = AgentSpan.nearest()
    return aside.agent if agent is None and aside is not None else agent


def internal(flow: Any) -> bool:
    """Whether a flow is CrewAI's own: agents and memories run as flows too."""
    return type(flow).__module__.startswith("crewai.")


def _fields(event: Any, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(event, name, None) for name in names}
    return {name: shown(_text(value)) for name, value in values.items() if value is not None}


def _text(value: Any) -> Any:
    """Of the matches that a memory found, what they say."""
    if not isinstance(value, list):
        return value
    return [one.record.content if hasattr(one, "record") else one for one in value]

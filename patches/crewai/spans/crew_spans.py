"""Spans for CrewAI's units of work: crews, tasks, agents' turns, flows and their methods."""

from dataclasses import dataclass
from typing import Any

from patches.crewai.spans.event_span import EventSpan, first_line, iter_texts, to_json
from patches.support.turn import Message


class CrewSpan(EventSpan):
    """A crew, from kickoff to output.

    Attributes:
        input_texts: The texts among its inputs.
        task_outputs: The outputs of its tasks so far, by task id, in the order of completion;
            without tasks that CrewAI adds itself, such as planning.
        ends_with_kickoff: Whether it ends when the call of `kickoff` returns, with the callbacks
            that follow the end event.
    """

    def __init__(self, crew: Any, event: Any, *, ends_with_kickoff: bool = False) -> None:
        name = crew.name or "crew"
        attributes = {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": name,
            "flight_recorder.crew.name": name,
            "flight_recorder.crew.process": crew.process.value,
            "flight_recorder.crew.task_count": len(crew.tasks),
            "flight_recorder.crew.agent_count": len(crew.agents),
        }
        super().__init__(crew, event, name, "CHAIN", attributes=attributes)
        self.task_outputs: dict[Any, Message] = {}
        self.ends_with_kickoff = ends_with_kickoff
        self.record_start(event)

    def record_start(self, event: Any) -> None:
        self.input_texts = frozenset(iter_texts(event.inputs))
        self.span.set_inputs(to_json(event.inputs or {}))

    def record_end(self, event: Any) -> BaseException | None:
        if (output := getattr(event, "output", None)) is not None:
            self.record_result(output)
        return super().record_end(event)

    def record_result(self, output: Any) -> None:
        """Record the output of the crew, which callbacks after its last task may replace."""
        self.outputs = {"raw": to_json(output)}


class CrewSeriesSpan(EventSpan):
    """The training or the test of a crew, which kicks a copy of it off several times."""

    def __init__(self, crew: Any, event: Any) -> None:
        verb = event.type.split("_")[1]
        attributes = {"flight_recorder.crew.iterations": event.n_iterations}
        inputs = to_json(event.inputs or {})
        super().__init__(crew, event, f"{verb} {crew.name or 'crew'}", "CHAIN", inputs, attributes)


class TaskSpan(EventSpan):
    """A task with all its turns; guardrails and failures may cause several.

    Attributes:
        context: The text that CrewAI made of the outputs of earlier tasks.
        first_agent: The agent of the first turn.
    """

    def __init__(self, task: Any, event: Any) -> None:
        inputs = {"description": task.description, "expected_output": task.expected_output}
        context_tasks = task.context if isinstance(task.context, list) else ()
        attributes = {
            "flight_recorder.crew.task.name": task_name(task),
            "flight_recorder.crew.task.context": [
                task_name(context_task) for context_task in context_tasks
            ],
            "flight_recorder.crew.task.async_execution": bool(task.async_execution),
        }
        super().__init__(task, event, task_name(task), "TASK", inputs, attributes)
        self.context: str = event.context or ""
        self.first_agent: str | None = None

    def record_end(self, event: Any) -> BaseException | None:
        if (output := getattr(event, "output", None)) is not None:
            self.outputs = {"raw": output.raw}
            crew = CrewSpan.nearest()
            if crew is not None and any(task is self.owner for task in crew.owner.tasks):
                message = Message(output.agent.strip(), "TaskOutput", output.raw)
                crew.task_outputs[self.owner.id] = message
        return super().record_end(event)


class AgentSpan(EventSpan):
    """A turn of an agent: in a crew, by delegation, or on its own.

    Attributes:
        is_standalone: Whether the agent works without a task.
        last_rejected_call: The last tool call that CrewAI rejected. It tries such a call again and
            reports each attempt.
    """

    def __init__(self, agent: Any, event: Any) -> None:
        role = agent.role.strip()
        self.is_standalone = event.type == "lite_agent_execution_started"
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": role,
            "gen_ai.agent.description": agent.goal,
            "flight_recorder.crew.agent.tools": [tool.name for tool in event.tools or ()],
        }
        inputs = (
            {"messages": event.messages} if self.is_standalone else {"prompt": event.task_prompt}
        )
        super().__init__(agent, event, role, "AGENT", inputs, attributes)
        self.output: str | None = None
        self.last_rejected_call: object = None

    def record_end(self, event: Any) -> BaseException | None:
        self.output = getattr(event, "output", None)
        if self.output is not None:
            self.outputs = {"output": self.output}
        return super().record_end(event)


@dataclass(frozen=True)
class FlowOutput:
    """The output of a crew, or of an agent on its own, in a flow.

    Attributes:
        agent: The agent; of a crew, that of the last task.
        text: The whole output.
        fields: The texts in it, if it is structured.
    """

    agent: str
    text: str
    fields: tuple[str, ...]


class FlowSpan(EventSpan):
    """A flow of the user's; CrewAI's internal flows have no span.

    `outputs_so_far` has the outputs of its crews and agents, in the order of completion.
    """

    output_field = "result"

    def __init__(self, flow: Any, event: Any) -> None:
        super().__init__(flow, event, event.flow_name, "CHAIN", to_json(event.inputs or {}))
        self.outputs_so_far: dict[object, FlowOutput] = {}


class MethodSpan(EventSpan):
    """A method of a flow."""

    output_field = "result"

    def __init__(self, flow: Any, event: Any) -> None:
        super().__init__(flow, event, event.method_name, "CHAIN", to_json(event.params or {}))

    def is_ended_by(self, start_type: str, source: Any, event: Any) -> bool:
        return super().is_ended_by(start_type, source, event) and self.name == event.method_name


def task_name(task: Any) -> str:
    """Return the name of a task, or the start of its description."""
    return str(task.name) if task.name else first_line(task.description)


def is_internal_flow(flow: Any) -> bool:
    """Return whether a flow is CrewAI's own; it implements agents and memories as flows."""
    return type(flow).__module__.startswith("crewai.")

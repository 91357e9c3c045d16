"""The spans of work in CrewAI: a crew at work, a task being done, an agent's turn."""

from typing import Any

from patches.crewai.event_span import EventSpan, first_line, to_json
from patches.support.turn import Message


class CrewSpan(EventSpan):
    """A crew from kickoff to output. It keeps what its tasks have said so far."""

    def __init__(self, crew: Any, event: Any) -> None:
        name = crew.name or "crew"
        attributes = {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": name,
            "flight_recorder.crew.name": name,
            "flight_recorder.crew.process": crew.process.value,
            "flight_recorder.crew.task_count": len(crew.tasks),
            "flight_recorder.crew.agent_count": len(crew.agents),
        }
        super().__init__(crew, event, name, "CHAIN", to_json(event.inputs or {}), attributes)
        texts = (one for one in (event.inputs or {}).values() if isinstance(one, str))
        self.input_texts = frozenset(text.strip() for text in texts)
        """The texts among its inputs."""
        self.task_outputs: dict[Any, Message] = {}
        """By the id of the task, in the order in which they were done; without those of CrewAI's
        own, such as planning."""

    def record_end(self, event: Any) -> BaseException | None:
        if (output := getattr(event, "output", None)) is not None:
            self.outputs = {"raw": to_json(output)}
        return super().record_end(event)


class TaskSpan(EventSpan):
    """A task, with every turn that it takes: guardrails and failures may ask for several."""

    def __init__(self, task: Any, event: Any) -> None:
        inputs = {"description": task.description, "expected_output": task.expected_output}
        named = task.context if isinstance(task.context, list) else ()
        attributes = {
            "flight_recorder.crew.task.name": task_name(task),
            "flight_recorder.crew.task.context": [task_name(one) for one in named],
            "flight_recorder.crew.task.async_execution": bool(task.async_execution),
        }
        super().__init__(task, event, task_name(task), "TASK", inputs, attributes)
        self.context: str = event.context or ""
        self.first_agent: str | None = None
        """The agent that took the first turn."""
        self.last_output: str | None = None
        """What the last turn answered, which a guardrail then judges."""

    def record_end(self, event: Any) -> BaseException | None:
        if (output := getattr(event, "output", None)) is not None:
            self.outputs = {"raw": output.raw}
            crew = CrewSpan.nearest()
            if crew is not None and any(one is self.owner for one in crew.owner.tasks):
                crew.task_outputs[self.owner.id] = Message(
                    output.agent.strip(), "TaskOutput", output.raw
                )
        return super().record_end(event)


class AgentSpan(EventSpan):
    """A turn: one agent at work, in a crew, by delegation or alone."""

    def __init__(self, agent: Any, event: Any) -> None:
        role, alone = agent.role.strip(), event.type == "lite_agent_execution_started"
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": role,
            "gen_ai.agent.description": agent.goal,
            "flight_recorder.crew.agent.tools": [tool.name for tool in event.tools or ()],
        }
        prompt = {"messages": event.messages} if alone else {"prompt": event.task_prompt}
        super().__init__(agent, event, role, "AGENT", prompt, attributes)
        self.output: str | None = None
        self.last_missing_tool_call: object = None
        """The last call of a tool that nobody has. CrewAI tries it, and tells of it, repeatedly."""

    def record_end(self, event: Any) -> BaseException | None:
        self.output = getattr(event, "output", None)
        if self.output is not None:
            self.outputs = {"output": self.output}
            if isinstance(self.parent, TaskSpan):
                self.parent.last_output = self.output
        return super().record_end(event)


def task_name(task: Any) -> str:
    """The name of a task, or what it begins with."""
    return str(task.name) if task.name else first_line(task.description)

"""Report the handoffs in a crew or a flow to `on_turn`, from its turns, delegations and results.

Work passes to a task from earlier tasks, to a coworker by delegation and back, and, in a flow, to a
task or an agent from earlier crews and agents if the flow's author passes their output on, or a
field of it.
"""

import json
import re
from typing import Any

from patches.crewai.spans.crew_spans import AgentSpan, CrewSpan, FlowOutput, FlowSpan, TaskSpan
from patches.crewai.spans.event_span import iter_texts
from patches.crewai.spans.tool_span import ToolSpan
from patches.support.open_span import OpenSpan
from patches.support.turn import Message, OnTurn, Turn

MIN_QUOTE_WORDS = 4
"""A shorter output may appear in another task's description by chance."""


def report_turn(role: str, prompt: str, on_turn: OnTurn) -> None:
    """Call `on_turn` for a turn of the agent `role` that is about to start with this prompt.

    A further turn in the same task, caused by a guardrail or a failure, receives nothing new from
    other agents and is not reported.
    """
    outer = OpenSpan.innermost()
    if isinstance(outer, ToolSpan) and outer.delegated_text and outer.delegator is not None:
        request = (Message(outer.delegator.name, "Delegation", outer.delegated_text),)
        on_turn(Turn(role, request, request, prompt=prompt))
    elif isinstance(outer, TaskSpan) and outer.first_agent is None:
        outer.first_agent = role
        if (crew := CrewSpan.nearest()) is not None:
            description = f"{outer.owner.description}\n{outer.owner.expected_output}"
            from_crews = _quoted_outputs(description, crew.input_texts)
            offered = (*from_crews, *crew.task_outputs.values())
            received = (*from_crews, *_context_messages(outer, crew))
            on_turn(Turn(role, offered, received, prompt=prompt))


def report_delegation_result(tool: ToolSpan, on_turn: OnTurn) -> None:
    """Call `on_turn` for the agent that receives the answers of its coworkers."""
    answers = tuple(
        Message(turn.name, "Answer", turn.output)
        for turn in tool.delegated_turns
        if turn.output is not None
    )
    if tool.delegator is not None and answers:
        on_turn(Turn(tool.delegator.name, answers, answers, prompt=str(tool.outputs)))


def link_delegated_turn(turn: AgentSpan) -> None:
    """Add a turn to the delegation that caused it, if any."""
    if isinstance(turn.parent, ToolSpan) and turn.parent.delegated_text:
        turn.parent.delegated_turns.append(turn)


def report_standalone_turn(role: str, messages: Any, on_turn: OnTurn) -> None:
    """Call `on_turn` for a turn of an agent that a flow calls without a crew."""
    if CrewSpan.nearest() is None:
        texts = _user_texts(messages)
        prompt = "\n".join(texts)
        from_crews = _quoted_outputs(prompt, frozenset(text.strip() for text in texts))
        on_turn(Turn(role, from_crews, from_crews, prompt=prompt))


def record_crew_output(crew: CrewSpan, output: Any) -> None:
    """Add the output of a crew's last task to the flow around the crew, if any."""
    if output is not None:
        _record_output(crew, output.agent, output.raw, output.pydantic or output.json_dict)


def record_standalone_output(turn: AgentSpan) -> None:
    """Add the output of an agent without a crew to the flow around it, if any."""
    if turn.is_standalone and turn.output is not None and CrewSpan.nearest() is None:
        _record_output(turn, turn.name, turn.output, None)


def _record_output(source: object, agent: str, text: str, structured: Any) -> None:
    if (flow := FlowSpan.nearest()) is not None:
        fields = tuple(iter_texts(_read_fields(text, structured)))
        flow.outputs_so_far[source] = FlowOutput(agent.strip(), text.strip(), fields)


def _read_fields(text: str, structured: Any) -> Any:
    """Return an output as JSON data; None if it is not structured."""
    if structured is not None:
        return structured.model_dump() if hasattr(structured, "model_dump") else structured
    try:
        return json.loads(text)
    except ValueError:
        return None


def _user_texts(messages: Any) -> list[str]:
    if isinstance(messages, str):
        return [messages]
    return [str(message["content"]) for message in messages if message.get("role") == "user"]


def _quoted_outputs(prompt: str, input_texts: frozenset[str]) -> tuple[Message, ...]:
    """Return the earlier outputs of the flow that appear in a prompt, or fields of these.

    Other outputs were not withheld: a flow passes on only what its author writes into it. Of equal
    outputs, it is the last one.
    """
    flow = FlowSpan.nearest()
    outputs = flow.outputs_so_far.values() if flow is not None else ()
    quoted: dict[str, Message] = {}
    for output in outputs:
        if text := _quoted_text(output, prompt, input_texts):
            quoted.pop(text, None)
            quoted[text] = Message(output.agent, "CrewOutput", text)
    return tuple(quoted.values())


def _quoted_text(output: FlowOutput, prompt: str, input_texts: frozenset[str]) -> str:
    """Return the output if a prompt contains it, otherwise its fields that the prompt contains."""
    if _is_quoted(output.text, prompt, input_texts):
        return output.text
    fields = (field for field in output.fields if _is_quoted(field, prompt, input_texts))
    return "\n".join(dict.fromkeys(fields))


def _is_quoted(text: str, prompt: str, input_texts: frozenset[str]) -> bool:
    """Return whether a prompt contains a text, and not by chance.

    A text of a few words must also be one of the inputs.
    """
    is_distinctive = text in input_texts or len(text.split()) >= MIN_QUOTE_WORDS
    pattern = rf"(?<!\w){re.escape(text)}(?!\w)"
    return bool(text) and is_distinctive and re.search(pattern, prompt) is not None


def _context_messages(task: TaskSpan, crew: CrewSpan) -> tuple[Message, ...]:
    """Return the outputs of the tasks that are this task's context.

    If the task names none, CrewAI chooses: all earlier tasks, or the last one if the task runs in
    parallel. The text that CrewAI made of them shows which ones it chose.
    """
    context_tasks = task.owner.context
    if isinstance(context_tasks, list):
        return tuple(
            crew.task_outputs[context_task.id]
            for context_task in context_tasks
            if context_task.id in crew.task_outputs
        )
    return tuple(output for output in crew.task_outputs.values() if output.content in task.context)

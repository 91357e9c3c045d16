"""The handoffs of a crew: to a task from those before it, to a coworker who is asked, and back.

And, in a flow, to a task from the crews before its own, where the flow's author passes it on.
"""

import re
from typing import Any

from patches.crewai.auxiliary_spans import FlowSpan
from patches.crewai.call_spans import ToolSpan
from patches.crewai.crew_spans import AgentSpan, CrewSpan, TaskSpan
from patches.support.open_span import OpenSpan
from patches.support.turn import Message, OnTurn, Turn

MIN_QUOTE_WORDS = 4
"""Shorter than that, what a crew said may stand in another's task by chance."""


def report_turn(role: str, prompt: str, on_turn: OnTurn) -> None:
    """Tell that the agent `role` is about to start, with the text that is put before it.

    A further turn in the same task, which a guardrail or a failure asked for, is given nothing
    new by other agents.
    """
    around = OpenSpan.innermost()
    if isinstance(around, ToolSpan) and around.delegated_text and around.delegator is not None:
        asked = (Message(around.delegator.name, "Delegation", around.delegated_text),)
        on_turn(Turn(role, asked, asked, prompt=prompt))
    elif isinstance(around, TaskSpan) and around.first_agent is None:
        around.first_agent = role
        if (crew := CrewSpan.nearest()) is not None:
            passed = _quoted_crew_outputs(around, crew)
            offered, given = tuple(crew.task_outputs.values()), _context_messages(around, crew)
            on_turn(Turn(role, (*passed, *offered), (*passed, *given), prompt=prompt))


def report_delegation_result(tool: ToolSpan, on_turn: OnTurn) -> None:
    """Tell that what a coworker answered has come back to the agent that asked."""
    answered = [turn for turn in tool.delegated_turns if turn.output is not None]
    if tool.delegator is not None and answered:
        said = tuple(Message(turn.name, "Answer", turn.output or "") for turn in answered)
        on_turn(Turn(tool.delegator.name, said, said, prompt=str(tool.outputs)))


def link_delegated_turn(turn: AgentSpan) -> None:
    """Let a delegation know whose turn it led to."""
    if isinstance(turn.parent, ToolSpan) and turn.parent.delegated_text:
        turn.parent.delegated_turns.append(turn)


def record_crew_output(crew: CrewSpan, output: Any) -> None:
    """Let a flow know what a crew of its own came to: the output of its last task."""
    flow = FlowSpan.nearest()
    if flow is not None and output is not None:
        flow.crew_outputs[crew] = Message(output.agent.strip(), "CrewOutput", output.raw.strip())


def _quoted_crew_outputs(task: TaskSpan, crew: CrewSpan) -> tuple[Message, ...]:
    """What crews before this one said that is written into the task, by way of an input or not.

    A flow offers nothing of itself: what its author does not pass on was not withheld.
    """
    flow = FlowSpan.nearest()
    said = flow.crew_outputs.values() if flow is not None else ()
    return tuple(
        one for one in said if _is_quoted(task.owner.description, one.content, crew.input_texts)
    )


def _is_quoted(description: str, said: str, given: frozenset[str]) -> bool:
    """Whether the one holds the other, and not by chance: a word or two must have been given."""
    known = said in given or len(said.split()) >= MIN_QUOTE_WORDS
    return known and re.search(rf"(?<!\w){re.escape(said)}(?!\w)", description) is not None


def _context_messages(task: TaskSpan, crew: CrewSpan) -> tuple[Message, ...]:
    """What the tasks said that are this one's context.

    A task that names none is given what CrewAI chooses: all before it, or, where it runs beside
    others, the last. Which they are is seen in the text that it made of them.
    """
    named = task.owner.context
    if isinstance(named, list):
        return tuple(crew.task_outputs[one.id] for one in named if one.id in crew.task_outputs)
    return tuple(said for said in crew.task_outputs.values() if said.content in task.context)

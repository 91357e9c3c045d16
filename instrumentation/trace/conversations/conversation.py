"""A conversation of agents as its log has it: a task, and steps in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

StepKind = Literal["agent", "person", "instruction", "tool"]


@dataclass(frozen=True)
class ToolCall:
    """A tool call that an agent's message requests; its arguments as the model wrote them."""

    id: str
    name: str
    arguments: Any


@dataclass(frozen=True)
class Step:
    """A message of a conversation.

    Attributes:
        number: Its number in the log: its own `index`, else its position, from 0.
        kind: Who speaks: an agent, a person, the system prompt, or a tool.
        speaker: The agent, without notes such as "(thought)"; of a tool, the tool's name.
        text: What it says; empty if it only calls tools.
        call_id: Of a tool's result, the id of the call that it answers.
        receiver: The agent to which it passes the work, if the log says so.
    """

    number: int
    kind: StepKind
    speaker: str
    text: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    receiver: str | None = None


@dataclass(frozen=True)
class Conversation:
    """A log without its labels: nothing in it says what was judged to be wrong.

    Attributes:
        id: The id that the log gives itself; empty without one.
        task: What was asked for; empty if the log begins with an agent and does not say.
        steps: At least one of them is an agent's.
        fields: The other fields of the log, labels included. `build_trace` does not read them.
    """

    id: str
    task: str
    steps: tuple[Step, ...]
    fields: Mapping[str, Any]

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents, in the order of their first steps."""
        return tuple(dict.fromkeys(one.speaker for one in self.steps if one.kind == "agent"))

"""The steps of a run: each text that an agent produced, with the tool calls that follow it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from instrumentation.diagnosis.reading.texts import plain_text
from instrumentation.diagnosis.reading.trace_index import TOOL_TYPES, TraceIndex
from instrumentation.trace.span import COMPLETION_TYPES, Span

CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.S)


@dataclass
class AgentStep:
    """A completion of an agent, or a turn of one without completions.

    Attributes:
        position: Its place among the steps, from 0.
        text: What the agent says, code included.
        is_handed: Whether another agent passed it the work just before.
        calls: The tool calls that follow in the same turn, before the agent's next step.
    """

    position: int
    span: Span
    agent: str | None
    text: str
    is_handed: bool
    calls: list[Span] = field(default_factory=list)

    @cached_property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return CODE_BLOCK.sub(" ", self.text)

    @property
    def has_code(self) -> bool:
        return CODE_BLOCK.search(self.text) is not None

    @property
    def has_failed_call(self) -> bool:
        return any(call.failed for call in self.calls)

    @cached_property
    def results(self) -> str:
        """The texts that its tool calls returned."""
        return "\n".join(plain_text(call.outputs) for call in self.calls)


def iter_steps(index: TraceIndex) -> Iterator[AgentStep]:
    """Yield the steps of a run, in order."""
    completed = {id(index.turn(one.span)) for one in index.completions}
    answers = {id(one.span): one.answer.text for one in index.completions}
    last_of_turn: dict[int, AgentStep] = {}
    receivers: set[str] = set()
    calls = {id(call) for call in index.tool_calls}
    position = 0
    for span in index.spans:
        if span.type == "HANDOFF":
            receivers.add(str(span.attributes.get("flight_recorder.handoff.to_agent")))
            continue
        if span.type in TOOL_TYPES and id(span) in calls:
            if span.inputs is not None and (step := last_of_turn.get(id(index.turn(span)))):
                step.calls.append(span)
            continue
        if span.type == "AGENT" and id(span) not in completed:
            text = index.output_of(span)
        elif span.type in COMPLETION_TYPES and id(span) in answers:
            text = plain_text(answers[id(span)])
        else:
            continue
        agent = index.agent(span)
        step = AgentStep(position, span, agent, text, is_handed=str(agent) in receivers)
        receivers.discard(str(agent))
        last_of_turn[id(index.turn(span))] = step
        yield step
        position += 1

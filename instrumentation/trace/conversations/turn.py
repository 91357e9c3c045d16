"""An agent's turn in a conversation: its messages, and the results of its tools and its code."""

from typing import Any

from instrumentation.trace.conversations.conversation import Step, ToolCall
from instrumentation.trace.conversations.tool_output import code_blocks, error_of
from instrumentation.trace.span import Span

STEP_ATTRIBUTE = "flight_recorder.conversation.step"
"""The number of the step in its log."""


def step_number_of(span: Span) -> int | None:
    """The number of a span's step in its log; None if it is not of a log."""
    number = span.attributes.get(STEP_ATTRIBUTE)
    return number if isinstance(number, int) else None


class Turn:
    """A turn that begins with a message, is read step by step, and becomes an AGENT span.

    `given` is the text that it answers.
    """

    def __init__(self, step: Step, given: str) -> None:
        self._given = given
        self._last = step
        self._children: list[Span] = []
        self._pending: dict[str, ToolCall] = {}
        self._has_calls = bool(step.calls)
        if self._has_calls:
            self._add_message(step)

    def takes(self, step: Step) -> bool:
        """Whether a step is part of the turn: a tool's result, or what the agent makes of one."""
        if step.kind == "tool":
            return True
        is_own = step.kind == "agent" and step.speaker == self._last.speaker
        return is_own and bool(self._last.calls)

    def add(self, step: Step) -> None:
        if step.kind == "tool":
            self._children.append(self._tool_span(step))
        else:
            self._add_message(step)

    def to_span(self) -> Span:
        self._add_unanswered()
        return Span(
            name=self._last.speaker,
            type="AGENT",
            inputs=self._given or None,
            outputs=self._last.text or None,
            attributes={"gen_ai.agent.name": self._last.speaker, STEP_ATTRIBUTE: self._last.number},
            children=tuple(self._children),
        )

    def _add_message(self, step: Step) -> None:
        self._add_unanswered()
        calls = [
            {"function": {"name": call.name, "arguments": call.arguments}} for call in step.calls
        ]
        output: dict[str, Any] = {"role": "assistant", "content": step.text}
        self._children.append(
            Span(
                name="chat_completion",
                type="LLM",
                outputs=output | ({"tool_calls": calls} if calls else {}),
                attributes={STEP_ATTRIBUTE: step.number},
            )
        )
        self._pending = {call.id or f"#{number}": call for number, call in enumerate(step.calls)}
        self._last = step

    def _add_unanswered(self) -> None:
        """Add the calls whose results are not in the log."""
        for call in self._pending.values():
            self._children.append(Span(call.name, "TOOL", "UNSET", inputs=call.arguments))
        self._pending = {}

    def _tool_span(self, step: Step) -> Span:
        """The result of a tool call, or of the code in the message before it."""
        call = self._take_call(step.call_id)
        inputs: Any = call.arguments if call else None
        if call is None and (code := code_blocks(self._last.text)):
            inputs = {"code": "\n\n".join(code)}
        error = error_of(step.text)
        return Span(
            name=(call.name if call else "") or step.speaker,
            type="TOOL",
            status="OK" if error is None else "ERROR",
            status_message=error or "",
            inputs=inputs,
            outputs=step.text,
            attributes={STEP_ATTRIBUTE: step.number},
        )

    def _take_call(self, id: str) -> ToolCall | None:
        """Remove and return the call that a result answers: by its id, else the first one."""
        key = id if id in self._pending else next(iter(self._pending), None)
        return self._pending.pop(key) if key is not None else None

"""Build the trace of a conversation: a span per step, with handoffs where the log names them.

A log has no times and no prompts, so the trace lacks them, too.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from instrumentation.trace.conversations.conversation import Conversation, Step
from instrumentation.trace.conversations.turn import STEP_ATTRIBUTE, Turn
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace

HANDOFF_PREFIX = "flight_recorder.handoff."
CLOSING_WORDS = frozenset(("TERMINATE", "DONE", "EXIT"))
"""Messages that only end a conversation, and are no answer."""


def build_trace(conversation: Conversation) -> Trace:
    """The trace of a conversation. The labels of its log are not read.

    An agent's message is an AGENT span; its input is the text before it, which it answers. If it
    calls tools, the turn lasts until the agent's next message that calls none, and the messages are
    LLM spans inside it. Results of tools, and of code that it wrote, are TOOL spans inside it.
    """
    root = Span(
        name="conversation",
        type="CHAIN",
        inputs=_inputs_of(conversation),
        outputs=_answer_of(conversation.steps),
        children=tuple(_iter_spans(conversation.steps)),
    )
    return Trace((root,))


def _inputs_of(conversation: Conversation) -> dict[str, Any] | None:
    """All that came from outside: the task, and what persons say later."""
    later = [
        step.text
        for step in conversation.steps
        if step.kind == "person" and step.text not in conversation.task
    ]
    inputs = {"task": conversation.task, "messages": later}
    return {name: value for name, value in inputs.items() if value} or None


def _iter_spans(steps: Sequence[Step]) -> Iterator[Span]:
    turn: Turn | None = None
    given = ""
    handoffs: dict[str, tuple[str, str]] = {}
    for step in steps:
        if turn is not None and turn.takes(step):
            turn.add(step)
        else:
            if turn is not None:
                yield turn.to_span()
            turn = None
            if step.kind != "agent":
                yield _message_span(step)
            else:
                if handoff := handoffs.pop(step.speaker, None):
                    yield _handoff_span(*handoff, receiver=step.speaker)
                    given = handoff[1]
                turn = Turn(step, given)
        if step.receiver and step.receiver != step.speaker:
            handoffs.setdefault(step.receiver, (step.speaker, step.text))
        given = step.text or given
    if turn is not None:
        yield turn.to_span()


def _message_span(step: Step) -> Span:
    """What a person or a system prompt says, or a tool before any agent."""
    type = "TOOL" if step.kind == "tool" else "UNKNOWN"
    return Span(step.speaker, type, outputs=step.text, attributes={STEP_ATTRIBUTE: step.number})


def _handoff_span(sender: str, sent: str, *, receiver: str) -> Span:
    attributes: dict[str, Any] = {
        f"{HANDOFF_PREFIX}from_agent": sender,
        f"{HANDOFF_PREFIX}to_agent": receiver,
    }
    name = f"{sender} → {receiver}"
    return Span(name, "HANDOFF", inputs={"sent": sent}, attributes=attributes)


def _answer_of(steps: Sequence[Step]) -> str | None:
    """The last message of an agent that is more than a word that ends the conversation."""
    for step in reversed(steps):
        text = step.text.strip()
        if step.kind == "agent" and text and text.strip(".! ") not in CLOSING_WORDS:
            return text
    return None

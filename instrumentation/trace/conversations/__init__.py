"""Logs of conversations as traces: who said what, in which step, and which tools answered."""

from instrumentation.trace.conversations.conversation import Conversation, Step, ToolCall
from instrumentation.trace.conversations.conversation_trace import build_trace
from instrumentation.trace.conversations.log_formats import read_conversations
from instrumentation.trace.conversations.turn import STEP_ATTRIBUTE, step_number_of

__all__ = [
    "STEP_ATTRIBUTE",
    "Conversation",
    "Step",
    "ToolCall",
    "build_trace",
    "read_conversations",
    "step_number_of",
]

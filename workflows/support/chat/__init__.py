"""The parts of the streamed chat: chunks of a stream, and the conversation."""

from workflows.support.chat.chunks import chunk_text, join_chunks, validate_chunk
from workflows.support.chat.conversation import (
    Answer,
    Conversation,
    Messages,
    NoAnswerError,
    Stream,
    build_prompt,
    read_answer,
    require_finished,
)

__all__ = [
    "Answer",
    "Conversation",
    "Messages",
    "NoAnswerError",
    "Stream",
    "build_prompt",
    "chunk_text",
    "join_chunks",
    "read_answer",
    "require_finished",
    "validate_chunk",
]

"""The chat, with its user named in the traces: `skipper`."""

from typing import Any

from workflows.chat_stream import StreamedChat
from workflows.model import Model


class SkippersChat(StreamedChat):
    """A chat whose traces name its user."""

    def __init__(self, model: Model, **options: Any) -> None:
        super().__init__(model, user="skipper", **options)

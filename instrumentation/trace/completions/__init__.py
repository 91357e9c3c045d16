"""The completions of a trace as chats: who asked a model what, and what it replied."""

from instrumentation.trace.completions.completion import Completion, list_completions

__all__ = ["Completion", "list_completions"]

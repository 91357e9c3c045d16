"""Guardrails for the `openai` package: a client that checks its budget before each completion."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from openai import AsyncOpenAI, OpenAI

from instrumentation.guardrails.guardrails import Guardrails
from instrumentation.trace.span import Tokens
from patches.support.completion_attributes import read_token_counts

RESOURCES = ("chat.completions", "beta.chat.completions", "completions", "responses")
"""The parts of a client that request completions."""


def guard_client(client: OpenAI | AsyncOpenAI, guardrails: Guardrails) -> OpenAI | AsyncOpenAI:
    """Return a copy of a client, with the same connections, that checks the budget.

    Nothing is requested when the budget is spent: the call raises `GuardrailBlockedError`.
    """
    guarded: Any = client.copy()
    guard = _guard_async if isinstance(client, AsyncOpenAI) else _guard
    for path in RESOURCES:
        resource = attrgetter(path)(guarded)
        for method in ("create", "parse"):
            if hasattr(resource, method):
                setattr(resource, method, guard(getattr(resource, method), guardrails))

    def copy(**options: Any) -> Any:
        return guard_client(client.copy(**options), guardrails)

    guarded.copy = guarded.with_options = copy
    return guarded  # type: ignore[no-any-return] # the class of `client`


def _guard(request: Callable[..., Any], guardrails: Guardrails) -> Callable[..., Any]:
    def checked_request(*args: Any, **options: Any) -> Any:
        guardrails.check_completion()
        return _counted(request(*args, **options), guardrails, options)

    return checked_request


def _guard_async(request: Callable[..., Any], guardrails: Guardrails) -> Callable[..., Any]:
    async def checked_request(*args: Any, **options: Any) -> Any:
        guardrails.check_completion()
        return _counted(await request(*args, **options), guardrails, options)

    return checked_request


def _counted(reply: Any, guardrails: Guardrails, options: Mapping[str, Any]) -> Any:
    """Count the tokens of a reply; of a stream, once it has been read."""
    usage = Usage(guardrails, options.get("model") or "")
    if options.get("stream"):
        return CountedStream(reply, usage)
    usage.read(reply)
    usage.add()
    return reply


class Usage:
    """The tokens of one completion, as the endpoint reports them; a stream reports them late."""

    def __init__(self, guardrails: Guardrails, model: str) -> None:
        self._guardrails, self._model = guardrails, model
        self._tokens = Tokens()

    def read(self, reply: Any) -> None:
        """Read the usage of a reply, or of a chunk of one; later chunks replace earlier ones."""
        usage = getattr(getattr(reply, "response", reply), "usage", None)
        if counts := read_token_counts(usage):
            self._tokens = Tokens(counts["input_tokens"], counts["output_tokens"])

    def add(self) -> None:
        self._guardrails.add_usage(self._model, self._tokens)


class CountedStream:
    """A stream of a completion whose tokens are counted when it ends, or is no longer read."""

    def __init__(self, stream: Any, usage: Usage) -> None:
        self._stream, self._usage = stream, usage
        self._chunks: Any = self._count() if isinstance(stream, Iterator) else self._count_async()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Any:
        return self._chunks

    def __next__(self) -> Any:
        return next(self._chunks)

    def __aiter__(self) -> Any:
        return self._chunks

    async def __anext__(self) -> Any:
        return await anext(self._chunks)

    def __enter__(self) -> "CountedStream":
        self._stream.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._chunks.close()
        self._stream.__exit__(*error)

    async def __aenter__(self) -> "CountedStream":
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._chunks.aclose()
        await self._stream.__aexit__(*error)

    def _count(self) -> Iterator[Any]:
        try:
            for chunk in self._stream:
                self._usage.read(chunk)
                yield chunk
        finally:
            self._usage.add()

    async def _count_async(self) -> AsyncIterator[Any]:
        try:
            async for chunk in self._stream:
                self._usage.read(chunk)
                yield chunk
        finally:
            self._usage.add()

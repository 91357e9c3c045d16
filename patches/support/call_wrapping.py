"""Wrap a function, or a method in all subclasses, so that each call runs in a context manager.

`read_within` does the same for the steps of a stream, `replace_for_block` puts a wrapper in place.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from contextvars import ContextVar
from functools import wraps
from inspect import getattr_static, iscoroutinefunction
from typing import Any

OnResult = Callable[[Any], None]
Around = Callable[..., AbstractContextManager[OnResult]]
"""Called with the arguments of each call; its context yields a function for the call's result."""
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Returns the function to call in place of another one."""


def wrap_call(around: Around, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls `function` within `around(*args, **kwargs)`.

    A coroutine function is awaited there. A function that returns a coroutine is only called.
    """
    if iscoroutinefunction(function):
        return wrap_async_call(around, function)

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with around(*args, **kwargs) as on_result:
            result = function(*args, **kwargs)
            on_result(result)
        return result

    return wrapper


def wrap_async_call(around: Around, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a coroutine function that awaits `function` within `around(*args, **kwargs)`."""

    @wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        with around(*args, **kwargs) as on_result:
            result = await function(*args, **kwargs)
            on_result(result)
        return result

    return wrapper


def ignore_result(result: object) -> None:
    """Do nothing: for contexts that do not need the result of a call."""


async def read_within(
    around: Callable[[], AbstractContextManager[None]], stream: AsyncIterator[Any]
) -> AsyncGenerator[Any]:
    """Yield the items of `stream`; each of its steps, and its end, runs within `around()`."""
    try:
        while True:
            with around():
                item = await anext(stream, _END)
            if item is _END:
                return
            yield item
    finally:
        if (close := getattr(stream, "aclose", None)) is not None:
            with around():
                await close()


_END: Any = object()


@contextmanager
def set_for_block(variable: ContextVar[Any], value: object) -> Generator[None]:
    """Set a context variable for the block, also one that a generator leaves in another context."""
    token = variable.set(value)
    try:
        yield
    finally:
        with suppress(ValueError):  # closed by the garbage collector, in another context
            variable.reset(token)


@contextmanager
def replace_for_block(owner: Any, **replacements: Any) -> Generator[None]:
    """Replace attributes of a class or a module for the block."""
    originals = {name: getattr_static(owner, name) for name in replacements}
    try:
        for name, replacement in replacements.items():
            setattr(owner, name, replacement)
        yield
    finally:
        for name, original in originals.items():
            setattr(owner, name, original)


@contextmanager
def filter_logs_for_block(
    loggers: Iterable[str], is_logged: Callable[[logging.LogRecord], bool]
) -> Generator[None]:
    """Discard those records of some loggers, given by name, that are not to be logged."""
    with ExitStack() as stack:
        for logger in map(logging.getLogger, loggers):
            logger.addFilter(is_logged)
            stack.callback(logger.removeFilter, is_logged)
        yield


@contextmanager
def wrap_methods(*methods: tuple[type, str, Wrap]) -> Generator[None]:
    """Wrap each of the methods as `wrap_in_all_subclasses` does."""
    with ExitStack() as stack:
        for base, method_name, wrap in methods:
            stack.enter_context(wrap_in_all_subclasses(base, method_name, wrap))
        yield


@contextmanager
def wrap_in_all_subclasses(base: type, method_name: str, wrap: Wrap) -> Generator[None]:
    """Replace a method by `wrap(method)` in `base` and in each subclass that defines it.

    Abstract methods are left alone, and static methods stay static. On exit each class gets its
    original attribute back.
    """
    originals: dict[type, Any] = {}

    def wrap_in(cls: type) -> None:
        raw = cls.__dict__.get(method_name)
        if raw is None or cls in originals or getattr(raw, "__isabstractmethod__", False):
            return
        originals[cls] = raw
        is_static = isinstance(raw, staticmethod)
        wrapped = staticmethod(wrap(raw.__func__)) if is_static else wrap(raw)
        setattr(cls, method_name, wrapped)

    with _watch_new_subclasses(base, wrap_in):
        try:
            for cls in iter_subclasses(base):
                wrap_in(cls)
            yield
        finally:
            for cls, raw in originals.items():
                setattr(cls, method_name, raw)


def iter_subclasses(base: type) -> Iterator[type]:
    """Yield `base` and its direct and indirect subclasses, each once."""
    found: set[type] = {base}
    pending: list[type] = [base]
    while pending:
        cls = pending.pop()
        yield cls
        new: set[type] = set(cls.__subclasses__()) - found
        pending.extend(new)
        found |= new


@contextmanager
def _watch_new_subclasses(base: Any, on_subclass: Callable[[type], None]) -> Generator[None]:
    """Call `on_subclass` with each subclass of `base` that is defined during the block."""
    original = base.__dict__.get("__init_subclass__")

    def hook(cls: Any, /, **kwargs: Any) -> None:
        if original is None:
            super(base, cls).__init_subclass__(**kwargs)
        else:
            original.__get__(None, cls)(**kwargs)
        on_subclass(cls)

    base.__init_subclass__ = classmethod(hook)
    try:
        yield
    finally:
        if original is None:
            del base.__init_subclass__
        else:
            base.__init_subclass__ = original

"""Wrap a function, sync or async, so that each call runs within a context manager."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

OnResult = Callable[[Any], None]
Around = Callable[..., AbstractContextManager[OnResult]]
"""Called with the arguments of each call; its context yields a function for the call's result."""


def wrap_call(around: Around, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls `function` within `around(*args, **kwargs)`."""

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

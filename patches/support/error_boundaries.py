"""The boundaries where errors of any kind are caught: tracing never breaks the traced program."""

from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def call_with_fallback(
    function: Callable[[], Value], fallback: Callable[[Exception], Value]
) -> Value:
    """Return the result of code that may raise anything, or else that of `fallback(error)`.

    For code of the traced program, and for code that reads whatever the program records.
    """
    try:
        return function()
    except Exception as error:
        return fallback(error)


class OnExit:
    """Calls a function as a block ends, with the error that ends it, of any kind; None for none.

    The error goes on.
    """

    def __init__(self, handle: Callable[[BaseException | None], object]) -> None:
        self._handle = handle

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._handle(error)


class OnError(OnExit):
    """Calls a function only if an error ends the block."""

    def __init__(self, handle: Callable[[BaseException], object]) -> None:
        super().__init__(lambda error: None if error is None else handle(error))

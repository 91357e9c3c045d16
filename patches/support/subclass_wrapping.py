"""A method wrapped wherever a family of classes defines it, those defined later included."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def wrap_in_subclasses(
    base: type, method_name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> Generator[None]:
    """Put `wrap(method)` in the place of method `name` on `base` and every class beneath it.

    Abstract methods are left alone, static methods stay static, and each class has its very own
    attribute back on exit.
    """
    originals: dict[type, Any] = {}

    def take(cls: type) -> None:
        raw = cls.__dict__.get(method_name)
        if raw is None or cls in originals or getattr(raw, "__isabstractmethod__", False):
            return
        originals[cls] = raw
        static = isinstance(raw, staticmethod)
        setattr(cls, method_name, staticmethod(wrap(raw.__func__)) if static else wrap(raw))

    with _watch_new_subclasses(base, take):
        try:
            for cls in iter_subclasses(base):
                take(cls)
            yield
        finally:
            for cls, raw in originals.items():
                setattr(cls, method_name, raw)


def iter_subclasses(base: type) -> Iterator[type]:
    """`base` and all classes beneath it, each once."""
    seen: set[type] = {base}
    waiting: list[type] = [base]
    while waiting:
        cls = waiting.pop()
        yield cls
        new: set[type] = set(cls.__subclasses__()) - seen
        waiting.extend(new)
        seen |= new


@contextmanager
def _watch_new_subclasses(base: Any, on_subclass: Callable[[type], None]) -> Generator[None]:
    """Call `told` with each class that is defined beneath `base` from now on."""
    own = base.__dict__.get("__init_subclass__")

    def hook(cls: Any, /, **kwargs: Any) -> None:
        if own is None:
            super(base, cls).__init_subclass__(**kwargs)
        else:
            own.__get__(None, cls)(**kwargs)
        on_subclass(cls)

    base.__init_subclass__ = classmethod(hook)
    try:
        yield
    finally:
        if own is None:
            del base.__init_subclass__
        else:
            base.__init_subclass__ = own

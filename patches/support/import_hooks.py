"""Call a function right after a package is imported for the first time."""

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Callbacks = Mapping[str, Callable[[], None]]
"""The callback of each package, by the package's name."""


@contextmanager
def call_after_import(callbacks: Callbacks) -> Generator[None]:
    """Call each callback once its package is imported: now, or right after its import.

    An import runs the callback before it returns, in the importing thread. A callback must not
    raise.
    """
    finder = PostImportFinder(callbacks)
    sys.meta_path.insert(0, finder)
    try:
        for package, callback in callbacks.items():
            if package in sys.modules:
                callback()
        yield
    finally:
        sys.meta_path.remove(finder)


class PostImportFinder(MetaPathFinder):
    """Lets the finders after it find a package, and wraps the package's loader."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self._callbacks:
            return None
        finders = list(sys.meta_path)
        start = finders.index(self) + 1 if self in finders else 0  # else the block just ended
        for finder in finders[start:]:
            if (spec := finder.find_spec(name, path, target)) is not None:
                if spec.loader is not None:
                    spec.loader = NotifyingLoader(spec.loader, self._callbacks[name])
                return spec
        return None


class NotifyingLoader(Loader):
    """Loads a module like another loader, then calls a function."""

    def __init__(self, loader: Any, callback: Callable[[], None]) -> None:
        self._loader, self._callback = loader, callback

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader  # the program sees the loader that it knows
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._callback()

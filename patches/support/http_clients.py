"""The HTTP clients that completions are sent with: those of httpx, and of httpx2, its successor.

Both may be in use at once, and neither needs to be installed: openai 2 and 3 accept clients of
either. A request, a response or an error comes from one of them.
"""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from patches.support.call_wrapping import Around, wrap_async_call, wrap_call
from patches.support.subclass_wrapping import wrap_in_all_subclasses

HTTP_PACKAGES = ("httpx", "httpx2")
SEND = "_send_single_request"
"""The method through which a client sends each request, including redirects."""


@cache
def http_modules() -> tuple[Any, ...]:
    """Import and return those of httpx and httpx2 that are installed."""
    return tuple(import_module(name) for name in HTTP_PACKAGES if find_spec(name))


def http_module_of(response: Any) -> Any:
    """Return the module that a response comes from."""
    return next(module for module in http_modules() if isinstance(response, module.Response))


def is_http_error(error: BaseException) -> bool:
    """Return whether an HTTP client raised the error."""
    return any(isinstance(error, module.HTTPError) for module in http_modules())


def send_methods() -> dict[str, str]:
    """Return what `wrap_sends` wraps, as `Patch.wraps`; nothing is imported."""
    installed = (name for name in HTTP_PACKAGES if find_spec(name))
    return {
        f"{name}:{cls}.{SEND}": "self, request"
        for name in installed
        for cls in ("Client", "AsyncClient")
    }


@contextmanager
def wrap_sends(around: Around) -> Generator[None]:
    """Run each request that a client sends within `around(client, request)`."""
    with ExitStack() as stack:
        for module in http_modules():
            for cls, wrap in ((module.Client, wrap_call), (module.AsyncClient, wrap_async_call)):
                stack.enter_context(wrap_in_all_subclasses(cls, SEND, partial(wrap, around)))
        yield

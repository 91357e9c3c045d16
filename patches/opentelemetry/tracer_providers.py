"""Tracer providers: the one that MLflow has, and each that it makes later, wrapped as it comes.

MLflow makes a new one for a new store, for a new destination, and after `mlflow.tracing.disable`.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, Protocol


class SpanHooks(Protocol):
    """What is told of the spans of a provider in the place of its processors."""

    def on_start(self, original: Callable[..., None], span: Any, *args: Any, **kw: Any) -> None:
        """A span has begun; `original` tells the processors."""

    def on_end(self, original: Callable[[Any], None], span: Any) -> None:
        """A span has ended; `original` tells the processors."""


@contextmanager
def hook_tracer_providers(hooks: SpanHooks) -> Generator[None]:
    """Wrap MLflow's provider, and those that take its place before the block ends.

    On exit the provider of the day is unwrapped. Those that were replaced before stay as they are:
    a span that is still open belongs to one of them, and has yet to end.
    """
    from mlflow.tracing import provider as module

    keeper: Any = module._TracerProviderWrapper
    put, initialize = keeper.set, module._initialize_tracer_provider

    @wraps(put)
    def wrap_and_put(self: Any, provider: Any) -> None:
        _install(provider, hooks)
        put(self, provider)

    @wraps(initialize)
    def wrap_and_initialize(*args: Any, **kw: Any) -> None:
        # With MLFLOW_USE_DEFAULT_TRACER_PROVIDER=false MLflow may join a provider that is there.
        _install(module.provider.get(), hooks)
        initialize(*args, **kw)

    keeper.set, module._initialize_tracer_provider = wrap_and_put, wrap_and_initialize
    _install(module.provider.get(), hooks)
    try:
        yield
    finally:
        keeper.set, module._initialize_tracer_provider = put, initialize
        _uninstall(module.provider.get(), hooks)


def _install(provider: Any, hooks: SpanHooks) -> None:
    processor = getattr(provider, "_active_span_processor", None)
    if processor is not None and hooks not in _installed_hooks(processor):
        _add_hooks(processor, hooks)


def _uninstall(provider: Any, hooks: SpanHooks) -> None:
    processor = getattr(provider, "_active_span_processor", None)
    if processor is None or hooks not in (wrappings := _installed_hooks(processor)):
        return
    del processor.on_start, processor.on_end
    for other in wrappings:
        if other is not hooks:
            _add_hooks(processor, other)


def _add_hooks(processor: Any, hooks: SpanHooks) -> None:
    # On the instance, which tracers and open spans hold already.
    processor.on_start = partial(hooks.on_start, processor.on_start)
    processor.on_end = partial(hooks.on_end, processor.on_end)


def _installed_hooks(processor: Any) -> list[SpanHooks]:
    """What is in the place of a processor's own methods, the first that was put on first."""
    on_end: Any = vars(processor).get("on_end")
    found = []
    while isinstance(on_end, partial):
        wrapper: Any = on_end.func
        found.append(wrapper.__self__)
        (on_end,) = on_end.args
    return found[::-1]

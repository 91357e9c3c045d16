"""Hook MLflow's tracer providers where spans start and end, and before they shut down at exit.

MLflow creates a new provider for a new store, for a new destination, and after
`mlflow.tracing.disable`.
"""

import atexit
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from patches.support.call_wrapping import replace_for_block

if TYPE_CHECKING:
    from patches.opentelemetry.span_pipeline import SpanPipeline


@contextmanager
def hook_mlflow_tracer_providers(hooks: "SpanPipeline") -> Generator[None]:
    """Install `hooks` in MLflow's provider, and in those that replace it before the block ends.

    On exit the hooks are removed from the current provider. Providers that were replaced before
    keep them: spans that are still open belong to those providers and end in them.
    """
    from mlflow.tracing import provider as module

    holder: Any = module._TracerProviderWrapper
    set_provider, initialize = holder.set, module._initialize_tracer_provider

    @wraps(set_provider)
    def hooked_set(self: Any, tracer_provider: Any, *args: Any, **kw: Any) -> None:
        _install(tracer_provider, hooks)
        set_provider(self, tracer_provider, *args, **kw)

    @wraps(initialize)
    def hooked_initialize(*args: Any, **kw: Any) -> None:
        # With MLFLOW_USE_DEFAULT_TRACER_PROVIDER=false MLflow may reuse an existing provider.
        _install(module.provider.get(), hooks)
        initialize(*args, **kw)

    try:
        with (
            replace_for_block(holder, set=hooked_set),
            replace_for_block(module, _initialize_tracer_provider=hooked_initialize),
        ):
            _install(module.provider.get(), hooks)
            yield
    finally:
        _uninstall(module.provider.get(), hooks)


@contextmanager
def call_at_exit(function: Callable[[], None]) -> Generator[None]:
    """Call a function at exit, unless the block ends before.

    It is called before a tracer provider of MLflow shuts down, after which no span can end. A
    provider registers that when it is created, and functions are called from the last registered.
    """
    from mlflow.tracing import provider as module

    def register_last() -> None:
        atexit.unregister(function)
        atexit.register(function)

    register_last()
    with ExitStack() as stack:
        stack.callback(atexit.unregister, function)
        holder: Any = getattr(module, "_TracerProviderWrapper", None)
        if set_provider := getattr(holder, "set", None):  # an MLflow to come may have none

            @wraps(set_provider)
            def set_and_register(*args: Any, **kwargs: Any) -> None:
                set_provider(*args, **kwargs)
                register_last()

            stack.enter_context(replace_for_block(holder, set=set_and_register))
        yield


def _install(provider: Any, hooks: "SpanPipeline") -> None:
    processor = getattr(provider, "_active_span_processor", None)
    if processor is not None and hooks not in _installed_hooks(processor):
        _add_hooks(processor, hooks)


def _uninstall(provider: Any, hooks: "SpanPipeline") -> None:
    processor = getattr(provider, "_active_span_processor", None)
    if processor is None or hooks not in (installed := _installed_hooks(processor)):
        return
    del processor.on_start, processor.on_end
    for other in installed:
        if other is not hooks:
            _add_hooks(processor, other)


def _add_hooks(processor: Any, hooks: "SpanPipeline") -> None:
    # On the instance, because tracers and open spans already refer to it.
    processor.on_start = partial(hooks.on_start, processor.on_start)
    processor.on_end = partial(hooks.on_end, processor.on_end)


def _installed_hooks(processor: Any) -> list["SpanPipeline"]:
    """Return the hooks of a processor, the first installed first."""
    on_end: Any = vars(processor).get("on_end")
    found = []
    while isinstance(on_end, partial):
        hooked: Any = on_end.func
        found.append(hooked.__self__)
        (on_end,) = on_end.args
    return found[::-1]

"""Remove MLflow's autologging wrappers from methods while patches record them in more detail."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial, wraps
from importlib import import_module
from typing import Any

from patches.support.call_wrapping import replace_for_block

SAFE_PATCH_PARAMETERS = "autologging_integration, destination, function_name, patch_function"
"""The parameters of MLflow's `safe_patch`, as a patch that removes wrappers declares them."""


@contextmanager
def remove_autolog_wrappers_for_block(
    module: str, is_selected: Callable[[type, str], bool]
) -> Generator[None]:
    """Remove the wrappers that autologging puts on methods, before or during the block.

    On exit they are put back, unless autologging was disabled in the meantime.

    Args:
        module: The module of MLflow that wraps a framework's methods, such as "mlflow.crewai".
        is_selected: Called with a class and a method name.
    """
    flavor, autolog_module = module.split(".")[1], import_module(module)
    safe_patch = autolog_module.safe_patch
    deferred_calls: list[Callable[[], Any]] = []

    @wraps(safe_patch)
    def patch_other_methods(
        autologging_integration: str, destination: type, function_name: str, *args: Any, **kw: Any
    ) -> None:
        call = partial(safe_patch, autologging_integration, destination, function_name, *args, **kw)
        if is_selected(destination, function_name):
            deferred_calls.append(call)
        else:
            call()

    try:
        with (
            _revert_wrappers(flavor, is_selected),
            replace_for_block(autolog_module, safe_patch=patch_other_methods),
        ):
            yield
    finally:
        for call in deferred_calls if is_autolog_on(flavor) else ():
            call()


@contextmanager
def _revert_wrappers(flavor: str, is_selected: Callable[[type, str], bool]) -> Generator[None]:
    """Remove the wrappers that are there already, for the block."""
    from mlflow.utils import gorilla
    from mlflow.utils.autologging_utils import safety

    applied: set[Any] = safety._AUTOLOGGING_PATCHES.setdefault(flavor, set())
    reverted = [patch for patch in applied if is_selected(patch.destination, patch.name)]
    for patch in reverted:
        gorilla.revert(patch)
        applied.discard(patch)
    try:
        yield
    finally:
        for patch in reverted if is_autolog_on(flavor) else ():
            gorilla.apply(patch)
            safety._store_patch(flavor, patch)


def is_autolog_on(flavor: str) -> bool:
    """Return whether the program has turned on MLflow's recording of a framework."""
    from mlflow.utils.autologging_utils import autologging_is_disabled

    return not autologging_is_disabled(flavor)

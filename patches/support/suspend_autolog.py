"""MLflow's own spans of a framework, set aside while fuller ones stand in for them."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def suspend_autolog(
    flavor: str, autolog_module: Any, is_chosen: Callable[[type, str], bool]
) -> Generator[None]:
    """Take off what autologging put on the methods `chosen`, before or during the block.

    `autolog` is the module that wraps them for `flavor`; `chosen` is asked about a class and the
    name of its method. On exit all of it is put on again, unless autologging was disabled
    meanwhile.
    """
    from mlflow.utils import gorilla
    from mlflow.utils.autologging_utils import autologging_is_disabled, safety

    store: set[Any] = safety._AUTOLOGGING_PATCHES.setdefault(flavor, set())
    reverted = [patch for patch in store if is_chosen(patch.destination, patch.name)]
    for patch in reverted:
        gorilla.revert(patch)
        store.discard(patch)

    safe_patch = autolog_module.safe_patch
    held_back: list[tuple[Any, ...]] = []

    def patch_the_rest(flavor: str, cls: type, method: str, function: Any) -> None:
        if is_chosen(cls, method):
            held_back.append((flavor, cls, method, function))
        else:
            safe_patch(flavor, cls, method, function)

    autolog_module.safe_patch = patch_the_rest
    try:
        yield
    finally:
        autolog_module.safe_patch = safe_patch
        if not autologging_is_disabled(flavor):
            for patch in reverted:
                gorilla.apply(patch)
                safety._store_patch(flavor, patch)
            for call in held_back:
                safe_patch(*call)

"""MLflow's own AutoGen spans, set aside while fuller ones stand in for them."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def set_aside(*methods: str) -> Generator[None]:
    """Take off what `mlflow.autogen.autolog()` put on these methods, before or during the block.

    On exit all of it is put on again, unless autologging was disabled meanwhile.
    """
    import mlflow.autogen
    from mlflow.utils import gorilla
    from mlflow.utils.autologging_utils import autologging_is_disabled, safety

    flavor = mlflow.autogen.FLAVOR_NAME
    store: set[Any] = safety._AUTOLOGGING_PATCHES.setdefault(flavor, set())
    reverted = [patch for patch in store if patch.name in methods]
    for patch in reverted:
        gorilla.revert(patch)
        store.discard(patch)

    safe_patch = mlflow.autogen.safe_patch
    held_back: list[tuple[Any, ...]] = []

    def patch_the_rest(flavor: str, cls: type, method: str, function: Any) -> None:
        if method in methods:
            held_back.append((flavor, cls, method, function))
        else:
            safe_patch(flavor, cls, method, function)

    mlflow.autogen.safe_patch = patch_the_rest
    try:
        yield
    finally:
        mlflow.autogen.safe_patch = safe_patch
        if not autologging_is_disabled(flavor):
            for patch in reverted:
                gorilla.apply(patch)
                safety._store_patch(flavor, patch)
            for call in held_back:
                safe_patch(*call)

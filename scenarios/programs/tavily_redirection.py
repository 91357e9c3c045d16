"""Point Tavily's clients, which read no address from the environment, to a replay or recorder.

In another program, the hook of `scenarios.programs.launcher` calls `patch_tavily_until_exit`
before its first line.
"""

import os
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager

from patches.patch import apply_patches
from patches.support.import_hooks import call_after_import
from patches.tavily import base_url
from scenarios.programs.launcher.launch import hooked_python_path

_PROCESS = ExitStack()
"""Keeps the patches of `patch_tavily_until_exit` applied until the process ends."""


def startup_hook_variables(mounts: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which a Python program and its children patch Tavily's clients.

    Args:
        mounts: By environment variable, where the program's clients are pointed.
    """
    if base_url.BASE_URL_VARIABLE not in mounts:
        return {}
    return {"PYTHONPATH": hooked_python_path(os.environ.get("PYTHONPATH"))}


@contextmanager
def patch_tavily_clients() -> Generator[None]:
    """Patch Tavily's clients, now or when they are imported, until the block ends."""
    with ExitStack() as stack:

        def patch_tavily() -> None:
            stack.enter_context(apply_patches(base_url.PATCH))

        stack.enter_context(call_after_import({"tavily": patch_tavily}))
        yield


def patch_tavily_until_exit() -> None:
    """Patch Tavily's clients until the process ends."""
    _PROCESS.enter_context(patch_tavily_clients())

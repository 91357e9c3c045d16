"""Trace a Python program, or redirect its Tavily client; Python imports this before its first line.

It first imports the `sitecustomize` that it hides. It runs in any Python that the program starts,
also in one without this project: nothing is traced there, and the program runs as if this module
did not exist.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LAUNCHER_PACKAGE = "scenarios.programs.launcher"
TAVILY_REDIRECTION = "scenarios.programs.tavily_redirection"
"""It is called if Tavily's client, which reads no address from the environment, is installed."""


def _import_hidden_module() -> None:
    """Import the `sitecustomize` that Python would have imported without this one."""
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != FOLDER]
    if (spec := importlib.machinery.PathFinder.find_spec("sitecustomize")) and spec.loader:
        sys.modules["sitecustomize"] = hidden = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(hidden)


def _call(module: str, function: str) -> None:
    """Call a function of this project, if it is installed here."""
    name = module.partition(".")[0]
    root = FOLDER.parents[1 + LAUNCHER_PACKAGE.count(".")]
    if importlib.util.find_spec(name) is None and root.name != "site-packages":  # a checkout
        sys.path.append(str(root))
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        if error.name and error.name.partition(".")[0] == name:  # another virtual environment
            return
        raise
    getattr(found, function)()


try:
    _import_hidden_module()
finally:
    try:
        if "TAVILY_BASE_URL" in os.environ and importlib.util.find_spec("tavily"):
            _call(TAVILY_REDIRECTION, "patch_tavily_until_exit")
        if "FLIGHT_RECORDER_TRACE" in os.environ:
            _call(f"{LAUNCHER_PACKAGE}.traced_process", "trace_this_process")
    except Exception as error:  # the program must run, whatever fails here
        reason = f"{type(error).__name__}: {error}"
        print(f"flight-recorder: the program is not traced: {reason}", file=sys.stderr)

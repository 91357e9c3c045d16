"""Python imports this module before a traced program, and then the `sitecustomize` that it hides.

It runs in any Python that the program starts, also in one without this project: nothing is traced
there, and the program runs as if this module did not exist.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PACKAGE = "scenarios.launcher"


def _import_hidden_module() -> None:
    """Import the `sitecustomize` that Python would have imported without this one."""
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != FOLDER]
    if (spec := importlib.machinery.PathFinder.find_spec("sitecustomize")) and spec.loader:
        sys.modules["sitecustomize"] = hidden = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(hidden)


def _start_tracing() -> None:
    name = PACKAGE.partition(".")[0]
    if importlib.util.find_spec(name) is None:  # a checkout that is not installed
        sys.path.append(str(FOLDER.parents[1 + PACKAGE.count(".")]))
    try:
        traced_process = importlib.import_module(f"{PACKAGE}.traced_process")
    except ImportError as error:
        if error.name and error.name.partition(".")[0] == name:  # another virtual environment
            return
        raise
    traced_process.start()


try:
    _import_hidden_module()
finally:
    if "FLIGHT_RECORDER_TRACE" in os.environ:
        try:
            _start_tracing()
        except Exception as error:  # the program must run, whatever fails here
            print(f"flight-recorder: the program is not traced: {error!r}", file=sys.stderr)

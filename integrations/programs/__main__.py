"""The child process: runs cases of one framework under one instrumentor, one job per stdin line.

    python -m integrations.programs INSTRUMENTOR FRAMEWORK TRACKING_URI

The first line on stdout is `{"ready": true}`, or `{"unsupported": reason}` if the instrumentor does
not support the versions. Then each job `{"case": name, "base_url": …}` is answered by one line, see
`_run_case`. Output of the framework itself goes to stderr.
"""

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TextIO


def main(instrumentor_name: str, framework: str, tracking_uri: str) -> None:
    """Enable the instrumentor, then run jobs until stdin ends."""
    output, jobs = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(0))
    os.dup2(2, 1)
    with open(os.devnull) as devnull:  # a framework that reads from stdin must not take a job
        os.dup2(devnull.fileno(), 0)
    from integrations.instrumentors.registry import load_enable_function
    from integrations.programs.case_context import UnsupportedFeatureError

    programs = _load_programs(framework)
    enable = load_enable_function(instrumentor_name)
    with ExitStack() as stack:
        try:
            capture_case = stack.enter_context(enable(tracking_uri, framework))
        except UnsupportedFeatureError as error:
            _write_message(output, {"unsupported": str(error)})
            return
        _write_message(output, {"ready": True})
        for job in map(json.loads, jobs):
            _write_message(output, _run_case(programs[job["case"]], job, capture_case))


def _load_programs(framework: str) -> dict[str, Callable[..., Any]]:
    """Return the functions of a framework's modules. That of a case has the name of the case."""
    package = import_module(f"integrations.programs.{framework}")
    names = (each.name for each in iter_modules(package.__path__, f"{package.__name__}."))
    return {
        name: function
        for module in map(import_module, names)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
    }


def _run_case(
    program: Callable[..., Any], job: dict[str, str], capture_case: Any
) -> dict[str, Any]:
    """Run a program.

    Returns its `answer`, or the type and text of the `error` that ended it, its tool runs
    (`tools`), and the recorded `traces` or `spans` with their size in `bytes`.
    """
    from integrations.programs.case_context import CaseContext

    context, answer, error = CaseContext(job["base_url"]), "", ""
    with capture_case(job["case"]) as captured:
        try:
            with captured.measure_cpu():
                result = program(context)
                answer = str(asyncio.run(result) if inspect.iscoroutine(result) else result)
        except Exception as raised:  # any error of any framework version is a valid result
            error = f"{type(raised).__name__}: {raised}"
    return {
        "case": job["case"],
        "answer": answer,
        "error": error,
        "tools": context.tool_runs,
        "traces": captured.traces,
        "spans": captured.spans,
        "bytes": captured.size_bytes,
        "cpu_s": captured.cpu_s,
    }


def _write_message(output: TextIO, message: dict[str, Any]) -> None:
    output.write(json.dumps(message, default=str) + "\n")
    output.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

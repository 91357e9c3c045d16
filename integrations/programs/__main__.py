"""Inside a cell: plays cases of one framework under one instrumentor, a job a line of stdin.

    python -m integrations.programs INSTRUMENTOR FRAMEWORK STORE

A job is {"case": name, "base_url": where its completions come from}; what became of it goes to
stdout, a line each: see `_done`. Whatever a framework prints goes to stderr.
"""

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from typing import Any, TextIO


def main(instrumentor_name: str, framework: str, tracking_uri: str) -> None:
    """Turn the instrumentor on, then do each job as it comes."""
    told, jobs = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(0))
    os.dup2(2, 1)
    with open(os.devnull) as nothing:  # a framework that asks its user something gets no job
        os.dup2(nothing.fileno(), 0)
    from integrations.instrumentors.loading import load_instrumentor
    from integrations.programs.case_context import UnsupportedFeatureError

    module = import_module(f"integrations.programs.{framework}")
    with ExitStack() as stack:
        try:
            around = stack.enter_context(
                load_instrumentor(instrumentor_name)(tracking_uri, framework)
            )
        except UnsupportedFeatureError as lacking:
            _write_message(told, {"absent": str(lacking)})
            return
        _write_message(told, {"ready": True})
        for job in map(json.loads, jobs):
            _write_message(told, _run_case(getattr(module, job["case"]), job, around))


def _run_case(case: Callable[..., Any], job: dict[str, str], capture_case: Any) -> dict[str, Any]:
    """Play a case. `answer` is what it came to, `error` the type and text of what ended it."""
    from integrations.programs.case_context import CaseContext

    world, answer, error = CaseContext(job["base_url"]), "", ""
    with capture_case(job["case"]) as left:
        try:
            with left.spending():
                ended = case(world)
                answer = str(asyncio.run(ended) if inspect.iscoroutine(ended) else ended)
        except Exception as raised:  # whatever a framework of whatever version raises is the result
            error = f"{type(raised).__name__}: {raised}"
    return {
        "case": job["case"],
        "answer": answer,
        "error": error,
        "tools": world.tool_runs,
        "traces": left.traces,
        "spans": left.spans,
        "bytes": left.size,
        "cpu_s": left.cpu_s,
    }


def _write_message(output: TextIO, message: dict[str, Any]) -> None:
    output.write(json.dumps(message, default=str) + "\n")
    output.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

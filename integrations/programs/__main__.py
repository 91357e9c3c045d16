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


def main(name: str, framework: str, store: str) -> None:
    """Turn the instrumentor on, then do each job as it comes."""
    told, jobs = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(0))
    os.dup2(2, 1)
    with open(os.devnull) as nothing:  # a framework that asks its user something gets no job
        os.dup2(nothing.fileno(), 0)
    from integrations.instrumentors.loading import instrumentor
    from integrations.programs.case_context import NotHere

    module = import_module(f"integrations.programs.{framework}")
    with ExitStack() as stack:
        try:
            around = stack.enter_context(instrumentor(name)(store, framework))
        except NotHere as lacking:
            _say(told, {"absent": str(lacking)})
            return
        _say(told, {"ready": True})
        for job in map(json.loads, jobs):
            _say(told, _done(getattr(module, job["case"]), job, around))


def _done(case: Callable[..., Any], job: dict[str, str], around: Any) -> dict[str, Any]:
    """Play a case. `answer` is what it came to, `error` the type and text of what ended it."""
    from integrations.programs.case_context import World

    world, answer, error = World(job["base_url"]), "", ""
    with around(job["case"]) as left:
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
        "tools": world.tools,
        "traces": left.traces,
        "spans": left.spans,
        "bytes": left.size,
        "cpu_s": left.cpu_s,
    }


def _say(told: TextIO, what: dict[str, Any]) -> None:
    told.write(json.dumps(what, default=str) + "\n")
    told.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The instrumentors on the bench: what each costs on the same tape, and how much it keeps.

A child for each, and one that records nothing; each plays the case in turn, round by round, so that
what else the machine is doing strikes all alike. CPU is that of a child's whole process: of all its
threads, until what it recorded is stored. The columns of OpenTelemetry keep their spans in memory,
those of MLflow write them into SQLite: their figures compare among themselves.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from integrations.cases.all_cases import all_cases
from integrations.cases.case import Case
from integrations.environments.build import find_environment
from integrations.environments.uv import InstallError
from integrations.instrumentors.registry import INSTRUMENTORS, Instrumentor
from integrations.runner.case_process import CaseProcess, start_case_process
from scenarios.replay.replay_server import replay_tape

BENCHED = {"crewai": "parallel_tools", "autogen": "graphflow_run", "openai": "tool_calls"}
"""The case of each framework that is played."""
ROUNDS = 10
WARM_UP = 2  # the first rounds pay for imports and caches
START_S = 120.0
ROUND_S = 60.0

Figures = dict[str, float | str]
Spent = list[dict[str, Any]]


def measured(
    framework: str, rounds: int = ROUNDS, columns: Sequence[Instrumentor] = INSTRUMENTORS
) -> Figures:
    """Per instrumentor: CPU against none, µs a span, bytes stored; the rows of a table."""
    (case,) = (one for one in all_cases(framework) if one.name == BENCHED[framework])
    played: dict[str, Spent] = {}
    with _started(framework, columns) as children:
        for _ in range(WARM_UP + rounds):
            for name, one in children.items():
                played.setdefault(name, []).append(_played(one, case))
    kept = {name: spent[WARM_UP:] for name, spent in played.items()}
    none = kept.pop("none")
    figures: Figures = {"uninstrumented: CPU ms a run": median(_cpu_ms(none))}
    for name, spent in kept.items():
        figures |= {f"{name}: {what}": value for what, value in _figures(none, spent).items()}
    return figures


def _figures(none: Spent, spent: Spent) -> Mapping[str, float | str]:
    pairs = list(zip(_cpu_ms(none), _cpu_ms(spent), strict=True))
    spans = median(_spans(one) for one in spent)
    more_us = median(after - before for before, after in pairs) * 1000
    return {
        "CPU / none": median(after / before for before, after in pairs),
        "µs a span": more_us / spans if spans else "no span",
        "spans": spans,
        "kB kept": median(one["bytes"] for one in spent) / 1000,
    }


def _cpu_ms(spent: Spent) -> list[float]:
    return [one["cpu_s"] * 1000 for one in spent]


def _spans(one: dict[str, Any]) -> int:
    return len(one["spans"]) + sum(len(trace["data"]["spans"]) for trace in one["traces"])


def _played(one: CaseProcess, case: Case) -> dict[str, Any]:
    with replay_tape(case.tape, case.faults, strict=False) as replay:
        return one.run_job({"case": case.name, "base_url": replay.base_url}, ROUND_S)


@contextmanager
def _started(framework: str, columns: Sequence[Instrumentor]) -> Generator[dict[str, CaseProcess]]:
    """A child for each instrumentor whose environment is there; they start side by side."""
    with ExitStack() as stack, TemporaryDirectory() as folder:
        children = {}
        for number, (name, python) in enumerate(_pythons(framework, columns)):
            scratch = Path(folder, str(number))
            scratch.mkdir()
            store = f"sqlite:///{scratch / 'mlflow.db'}"
            children[name] = stack.enter_context(
                start_case_process(python, name, framework, store, scratch)
            )
        yield {name: one for name, one in children.items() if "ready" in one.read_message(START_S)}


def _pythons(framework: str, columns: Sequence[Instrumentor]) -> Iterator[tuple[str, Path]]:
    """Each instrumentor that can tell of the framework, where its environment is there."""
    yield "none", find_environment().python
    for column in columns:
        if framework not in column.unsupported:
            with suppress(InstallError):
                yield column.name, column.find_environment().python

"""What was flown: cases under an instrumentor, each with what really happened and what is told."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from integrations.cases.case import Case
from integrations.cases.scripted_replies import AS_CALLS, AS_TEXT
from integrations.programs.case_context import NotHere
from integrations.runner.case_process import Child, Died, child
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import replayed
from scenarios.tape.line import Line

START_S = 120.0
"""How long a child may take to import a framework and turn its instrumentor on, in seconds."""
CASE_S = 60.0
"""How long a case may take, in seconds."""

Started = Callable[[Child], None]


@dataclass(frozen=True)
class Flight:
    """A case as it was flown: the ledger's side, the tools' own, and what the instrumentor left.

    `traces` are MLflow's, `spans` those of OpenTelemetry, spelt alike. `trouble` says why it could
    not be flown, or what went otherwise than the case says; it is empty where all went well.
    `absent` says what this version of the framework lacks for the case: nothing is counted then.
    """

    case: Case
    instrumentor: str
    exchanges: tuple[Exchange, ...] = ()
    tools: tuple[dict[str, Any], ...] = ()
    traces: tuple[dict[str, Any], ...] = ()
    spans: tuple[dict[str, Any], ...] = ()
    bytes: int = 0
    answer: str = ""
    error: str = ""
    trouble: str = ""
    absent: str = ""


def flown(
    python: Path, instrumentor: str, cases: Iterable[Case], started: Started = lambda child: None
) -> Iterator[Flight]:
    """Fly cases of one framework in one process, and in another after one that did not come back.

    The instrumentor is turned on once, before the first, as a program does it. `started` is told
    of each process.
    """
    left = list(cases)
    while left:
        for flight in _flown(python, instrumentor, left, started):
            left.pop(0)
            yield flight


def _flown(
    python: Path, instrumentor: str, cases: list[Case], started: Started
) -> Iterator[Flight]:
    """Fly cases until one of them, or the start, kills the child."""
    framework = cases[0].framework
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        store = f"sqlite:///{scratch / 'mlflow.db'}"
        with child(python, instrumentor, framework, store, scratch) as one:
            started(one)
            try:
                absent = one.heard(START_S).get("absent")
            except Died as died:
                yield from (Flight(case, instrumentor, trouble=str(died)) for case in list(cases))
                return
            if absent:
                yield from (Flight(case, instrumentor, absent=absent) for case in list(cases))
                return
            for case in list(cases):
                try:
                    yield _flight(one, instrumentor, case)
                except Died as died:
                    yield Flight(case, instrumentor, trouble=str(died))
                    return


def _flight(one: Child, instrumentor: str, case: Case) -> Flight:
    with replayed(case.tape, case.faults, strict=False) as replay:
        job = {"case": case.name, "base_url": replay.base_url}
        became = one.asked(job, CASE_S)
        troubles = [str(refused) for refused in replay.refusals]
        troubles += [f"the fault never came about: {fault}" for fault in replay.unfired]
        troubles += [f"{line.at}: nobody asked for this line" for line in _unasked(replay.unplayed)]
        exchanges = replay.ledger.exchanges
    ended, _, said = became["error"].partition(": ")
    if ended == NotHere.__name__:
        return Flight(case, instrumentor, absent=said)
    if ended != case.ends:
        due = f"an end with {case.ends}" if case.ends else "an answer"
        seen = became["error"] or "an answer"
        troubles.insert(0, f"{case.framework}/{case.name}: {due} was due, and there was {seen}")
    return Flight(
        case,
        instrumentor,
        exchanges,
        tuple(became["tools"]),
        tuple(became["traces"]),
        tuple(became["spans"]),
        became["bytes"],
        became["answer"],
        became["error"],
        "\n".join(troubles),
    )


def _unasked(unplayed: tuple[Line, ...]) -> Iterator[Line]:
    """Those that should have been played: of two forms of one, one is enough."""
    left = {line.number for line in unplayed}
    other = {AS_TEXT: 1, AS_CALLS: -1}
    for line in unplayed:
        if line.note not in other or line.number + other[line.note] in left:
            yield line

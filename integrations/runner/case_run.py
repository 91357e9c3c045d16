"""What was flown: cases under an instrumentor, each with what really happened and what is told."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from integrations.cases.case import Case
from integrations.cases.scripted_replies import TEXT_FORM_NOTE, TOOL_CALL_FORM_NOTE
from integrations.programs.case_context import UnsupportedFeatureError
from integrations.runner.case_process import CaseProcess, CaseProcessError, start_case_process
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.line import TapeLine

START_TIMEOUT_S = 120.0
"""How long a child may take to import a framework and turn its instrumentor on, in seconds."""
CASE_TIMEOUT_S = 60.0
"""How long a case may take, in seconds."""

OnProcessStart = Callable[[CaseProcess], None]


@dataclass(frozen=True)
class CaseRun:
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
    stored_bytes: int = 0
    answer: str = ""
    error: str = ""
    problem: str = ""
    unsupported: str = ""


def run_cases(
    python: Path,
    instrumentor: str,
    cases: Iterable[Case],
    on_process_start: OnProcessStart = lambda child: None,
) -> Iterator[CaseRun]:
    """Fly cases of one framework in one process, and in another after one that did not come back.

    The instrumentor is turned on once, before the first, as a program does it. `started` is told
    of each process.
    """
    left = list(cases)
    while left:
        for flight in _run_in_one_process(python, instrumentor, left, on_process_start):
            left.pop(0)
            yield flight


def _run_in_one_process(
    python: Path, instrumentor: str, cases: list[Case], on_process_start: OnProcessStart
) -> Iterator[CaseRun]:
    """Fly cases until one of them, or the start, kills the child."""
    framework = cases[0].framework
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        store = f"sqlite:///{scratch / 'mlflow.db'}"
        with start_case_process(python, instrumentor, framework, store, scratch) as one:
            on_process_start(one)
            try:
                absent = one.read_message(START_TIMEOUT_S).get("absent")
            except CaseProcessError as died:
                yield from (CaseRun(case, instrumentor, problem=str(died)) for case in list(cases))
                return
            if absent:
                yield from (CaseRun(case, instrumentor, unsupported=absent) for case in list(cases))
                return
            for case in list(cases):
                try:
                    yield _run_case(one, instrumentor, case)
                except CaseProcessError as died:
                    yield CaseRun(case, instrumentor, problem=str(died))
                    return


def _run_case(case_process: CaseProcess, instrumentor: str, case: Case) -> CaseRun:
    with replay_tape(case.tape, case.faults, strict=False) as replay:
        job = {"case": case.name, "base_url": replay.base_url}
        outcome = case_process.run_job(job, CASE_TIMEOUT_S)
        troubles = [str(refused) for refused in replay.refusals]
        troubles += [f"the fault never came about: {fault}" for fault in replay.unfired_faults]
        troubles += [
            f"{line.location}: nobody asked for this line"
            for line in _unused_replies(replay.unplayed_lines)
        ]
        exchanges = replay.ledger.exchanges
    ended, _, said = outcome["error"].partition(": ")
    if ended == UnsupportedFeatureError.__name__:
        return CaseRun(case, instrumentor, unsupported=said)
    if ended != case.expected_error:
        due = f"an end with {case.expected_error}" if case.expected_error else "an answer"
        seen = outcome["error"] or "an answer"
        troubles.insert(0, f"{case.framework}/{case.name}: {due} was due, and there was {seen}")
    return CaseRun(
        case,
        instrumentor,
        exchanges,
        tuple(outcome["tools"]),
        tuple(outcome["traces"]),
        tuple(outcome["spans"]),
        outcome["bytes"],
        outcome["answer"],
        outcome["error"],
        "\n".join(troubles),
    )


def _unused_replies(unused: tuple[TapeLine, ...]) -> Iterator[TapeLine]:
    """Those that should have been played: of two forms of one, one is enough."""
    left = {line.number for line in unused}
    other = {TEXT_FORM_NOTE: 1, TOOL_CALL_FORM_NOTE: -1}
    for line in unused:
        if line.note not in other or line.number + other[line.note] in left:
            yield line

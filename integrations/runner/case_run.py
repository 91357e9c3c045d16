"""Run cases in a child process, and collect their ground truth and recorded traces."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from integrations.cases.case import Case
from integrations.cases.scripted_replies import TOOL_AS_CALL_NOTE, TOOL_IN_TEXT_NOTE
from integrations.programs.case_context import UnsupportedFeatureError
from integrations.runner.case_process import CaseProcess, CaseProcessError, start_case_process
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.line import TapeLine

START_TIMEOUT_S = 120.0
"""How long a child process may take to import a framework and enable its instrumentor."""
CASE_TIMEOUT_S = 60.0
"""How long a case may take."""

OnProcessStart = Callable[[CaseProcess], None]


@dataclass(frozen=True)
class CaseRun:
    """One run of a case: ground truth, and what the instrumentor recorded.

    Attributes:
        exchanges: Ground truth: the requests that the replay server answered.
        tools: Ground truth: the tool runs that the program recorded.
        traces: Recorded MLflow traces.
        spans: Recorded OpenTelemetry spans, in the same format as those of a trace.
        stored_bytes: The size of the traces and spans as JSON.
        error: Type and text of the error that ended the program; empty if there was none.
        problem: Why the case could not be run, or how its run differs from its ground truth; empty
            if all went well.
        unsupported: The feature that this version lacks for the case. Nothing is counted then.
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


def run_cases_in_child(
    python: Path,
    instrumentor: str,
    cases: Iterable[Case],
    on_process_start: OnProcessStart = lambda case_process: None,
) -> Iterator[CaseRun]:
    """Run cases of one framework in one child process.

    The instrumentor is enabled once, before the first case, as in a real program. After a crash or
    a timeout, a new process runs the remaining cases. `on_process_start` is called with each
    process.
    """
    remaining = list(cases)
    while remaining:
        for run in _run_in_one_process(python, instrumentor, remaining, on_process_start):
            remaining.pop(0)
            yield run


def _run_in_one_process(
    python: Path, instrumentor: str, cases: list[Case], on_process_start: OnProcessStart
) -> Iterator[CaseRun]:
    """Run cases until all are done, or the process fails."""
    cases = list(cases)  # the caller changes its list
    framework = cases[0].framework
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        tracking_uri = f"sqlite:///{scratch / 'mlflow.db'}"
        with start_case_process(
            python, instrumentor, framework, tracking_uri, scratch
        ) as case_process:
            on_process_start(case_process)
            try:
                unsupported = case_process.read_message(START_TIMEOUT_S).get("unsupported")
            except CaseProcessError as error:
                yield from (CaseRun(case, instrumentor, problem=str(error)) for case in cases)
                return
            if unsupported:
                yield from (CaseRun(case, instrumentor, unsupported=unsupported) for case in cases)
                return
            for case in cases:
                try:
                    yield _run_case(case_process, instrumentor, case)
                except CaseProcessError as error:
                    yield CaseRun(case, instrumentor, problem=str(error))
                    return


def _run_case(case_process: CaseProcess, instrumentor: str, case: Case) -> CaseRun:
    with replay_tape(case.tape, case.faults, strict=False) as replay:
        job = {"case": case.name, "base_url": replay.base_url}
        outcome = case_process.run_job(job, CASE_TIMEOUT_S)
        problems = [str(refusal) for refusal in replay.refusals]
        problems += [f"a fault was never triggered: {fault}" for fault in replay.unfired_faults]
        problems += [
            f"{line.location}: this line was never requested"
            for line in _unused_replies(replay.unplayed_lines)
        ]
        exchanges = replay.ledger.exchanges
    error_type, _, error_text = outcome["error"].partition(": ")
    if error_type == UnsupportedFeatureError.__name__:
        return CaseRun(case, instrumentor, unsupported=error_text)
    if error_type != case.expected_error:
        expected = case.expected_error or "an answer"
        found = outcome["error"] or "an answer"
        problems.insert(0, f"{case.full_name}: expected {expected}, found {found}")
    return CaseRun(
        case,
        instrumentor,
        exchanges=exchanges,
        tools=tuple(outcome["tools"]),
        traces=tuple(outcome["traces"]),
        spans=tuple(outcome["spans"]),
        stored_bytes=outcome["bytes"],
        answer=outcome["answer"],
        error=outcome["error"],
        problem="\n".join(problems),
    )


def _unused_replies(unplayed: tuple[TapeLine, ...]) -> Iterator[TapeLine]:
    """Yield the unplayed lines, but for the unused one of a reply's two forms."""
    numbers = {line.number for line in unplayed}
    distance_to_other_form = {TOOL_IN_TEXT_NOTE: 1, TOOL_AS_CALL_NOTE: -1}
    for line in unplayed:
        distance = distance_to_other_form.get(line.note)
        if distance is None or line.number + distance in numbers:
            yield line

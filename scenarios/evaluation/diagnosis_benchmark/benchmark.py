"""Benchmark of the diagnosis: how often it names the labelled agent and the labelled step."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.diagnosis import Finding, diagnose
from instrumentation.diagnosis.suspicion import Suspect, rank_suspects
from instrumentation.trace import Span, Trace
from instrumentation.trace.conversations import STEP_ATTRIBUTE, build_trace
from scenarios.evaluation.diagnosis_benchmark.accuracy import LogShare
from scenarios.evaluation.diagnosis_benchmark.baselines import (
    SPEAKER_BASELINES,
    Attribution,
    constant_step,
    uniform_chances,
)
from scenarios.evaluation.diagnosis_benchmark.labelled_logs import LabelledLog, LabelledLogs

DIAGNOSIS_METHOD = "diagnosis"
SUSPECT_METHOD = "most suspicious step"


@dataclass(frozen=True)
class MethodScore:
    """How often a method is right. A log without an answer counts as wrong."""

    method: str
    agent: LogShare
    step: LogShare | None
    unanswered_count: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "agent": self.agent.to_json(),
            "step": self.step.to_json() if self.step else None,
            "unanswered": self.unanswered_count,
        }


@dataclass(frozen=True)
class DataSetScore:
    """The scores of all methods on one set of logs."""

    name: str
    log_count: int
    methods: tuple[MethodScore, ...]

    def to_json(self) -> dict[str, Any]:
        methods = [one.to_json() for one in self.methods]
        return {"name": self.name, "logs": self.log_count, "methods": methods}


@dataclass(frozen=True)
class BenchmarkResult:
    """The scores, the false alarms on runs that succeeded, and what could not be used."""

    data_sets: tuple[DataSetScore, ...]
    alarms: LogShare
    logs: LabelledLogs

    def to_json(self) -> dict[str, Any]:
        """The result as `bench-diagnosis --json` prints it."""
        unread = [{"log": log, "reason": reason} for log, reason in self.logs.unread]
        return {
            "data_sets": [one.to_json() for one in self.data_sets],
            "succeeded": {"logs": self.alarms.count, "with_findings": self.alarms.correct},
            "unread": unread,
            "unlabelled": self.logs.unlabelled_count,
            "duplicates": self.logs.duplicate_count,
        }


Track = Callable[[Sequence[LabelledLog]], Iterable[LabelledLog]]
"""Passes logs on, and shows how many have been."""


def run_benchmark(
    logs: LabelledLogs, half: str | None = None, track: Track = iter
) -> BenchmarkResult:
    """Diagnose all logs, each from its trace alone, and compare with the labels.

    Args:
        logs: Logs with labels, and logs of runs that succeeded.
        half: `tuning` or `held-out`: only this half of the logs. None: all.
    """
    failed, succeeded = (
        [log for log in group if half in (None, log.half)]
        for group in (logs.failed, logs.succeeded)
    )
    findings: dict[int, Attribution] = {}
    suspects: dict[int, Attribution] = {}
    alarm_count = 0
    for log in track([*failed, *succeeded]):
        trace = build_trace(log.conversation)
        if log.label is None:
            alarm_count += bool(diagnose(trace).findings)
        else:
            findings[id(log)] = attribute_to_first(trace, diagnose(trace).findings)
            suspects[id(log)] = attribute_to_first(trace, rank_suspects(trace))
    return BenchmarkResult(
        tuple(score_logs(failed, {DIAGNOSIS_METHOD: findings, SUSPECT_METHOD: suspects})),
        LogShare(alarm_count, len(succeeded)),
        logs,
    )


def attribute_to_first(trace: Trace, found: Sequence[Finding] | Sequence[Suspect]) -> Attribution:
    """The agent and the step of the first finding or suspect; neither if there is none."""
    if not found:
        return Attribution()
    return Attribution(found[0].agent, step_number(trace, found[0].origin))


def step_number(trace: Trace, span: Span) -> int | None:
    """The number of the agent's step in which a span is: of a tool's result, the calling step."""
    number: int | None = None
    for one in trace:
        if one.type in ("AGENT", "LLM", "UNKNOWN"):
            number = one.attributes.get(STEP_ATTRIBUTE, number)
        if one is span:
            return number
    return None


def score_logs(
    logs: Sequence[LabelledLog], attributions: Mapping[str, Mapping[int, Attribution]]
) -> list[DataSetScore]:
    """Score methods on each data set.

    Args:
        logs: Logs with labels.
        attributions: What each method says of each log, by the `id()` of the log.
    """
    names = dict.fromkeys(log.data_set for log in logs)
    return [
        _score_data_set(name, [log for log in logs if log.data_set == name], attributions)
        for name in names
    ]


def _score_data_set(
    name: str,
    logs: Sequence[LabelledLog],
    attributions: Mapping[str, Mapping[int, Attribution]],
) -> DataSetScore:
    methods = [
        _score(method, logs, [of_log[id(log)] for log in logs])
        for method, of_log in attributions.items()
    ]
    number, attribute = constant_step(logs)
    constant = [attribute(log.conversation) for log in logs]
    methods.append(_score(f"always step {number}", logs, constant))
    methods.append(_score_uniform(logs))
    for method, attribute in SPEAKER_BASELINES.items():
        methods.append(_score(method, logs, [attribute(log.conversation) for log in logs]))
    return DataSetScore(name, len(logs), tuple(methods))


def _score(
    method: str, logs: Sequence[LabelledLog], attributions: Sequence[Attribution]
) -> MethodScore:
    pairs = [(log.label, one) for log, one in zip(logs, attributions, strict=True) if log.label]
    agents = sum(_is_same(label.agent, one.agent) for label, one in pairs)
    steps = sum(label.step == one.step for label, one in pairs)
    names_steps = any(one.step is not None for one in attributions) or method == DIAGNOSIS_METHOD
    return MethodScore(
        method,
        LogShare(agents, len(logs)),
        LogShare(steps, len(logs)) if names_steps else None,
        sum(one.agent is None and one.step is None for one in attributions),
    )


def _score_uniform(logs: Sequence[LabelledLog]) -> MethodScore:
    chances = [uniform_chances(log) for log in logs]
    agent, step = (sum(values) for values in zip(*chances, strict=True))
    return MethodScore("at random", LogShare(agent, len(logs)), LogShare(step, len(logs)))


def _is_same(label: str, agent: str | None) -> bool:
    """Whether two names are equal; labels write some names in other letters than their logs."""
    return agent is not None and label.casefold() == agent.strip().casefold()

"""The evaluation of a gate: score traces, check thresholds, and compare with a baseline's run.

MLflow 3.18 records the thresholds on the evaluation run (`quality_criteria`) and compares two runs
(`compare_evaluations`); for older versions both are done here.
"""

import inspect
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scenarios.evaluation.paired_comparison import SIGNIFICANCE_LEVEL, compare_pairs
from scenarios.monitoring.quality_gate.gate_file import EvaluationCriteria, QualityGate, Threshold
from scenarios.monitoring.quality_gate.gate_report import (
    FAILED,
    NOT_EVALUATED,
    PASSED,
    SKIPPED,
    GateCheck,
)
from scenarios.monitoring.quality_gate.gate_source import GateFileError
from scenarios.testing.expectations_file import load_expectations, run_python_file
from scenarios.testing.scorers import make_finding_scorer, make_joint_scorer

GATE_SECTION = "evaluation"
RUN_NAME = "quality gate"
SCORERS_LIST = "SCORERS"
MIN_PAIRS = 6
"""With fewer pairs, no difference can be significant."""
RATINGS: Mapping[Any, bool] = {True: True, False: False, "yes": True, "no": False}


def evaluate_traces(
    gate: QualityGate, criteria: EvaluationCriteria, trace_ids: Sequence[str], store: str
) -> list[GateCheck]:
    """Score the traces, and check the thresholds.

    Raises:
        GateFileError: A threshold names no scorer, or the file of scorers is invalid.
        ExpectationsFileError: The file of expectations is invalid.
    """
    import mlflow

    scorers = load_scorers(gate, criteria)
    mlflow.set_tracking_uri(store)
    traces = [mlflow.get_trace(trace_id) for trace_id in trace_ids]
    experiments = sorted({trace.info.experiment_id for trace in traces})
    if len(experiments) != 1:
        names = ", ".join(mlflow.get_experiment(one).name for one in experiments)
        reason = f"the traces are of several experiments: {names}; set experiment in [traces]"
        return [GateCheck(GATE_SECTION, "traces", NOT_EVALUATED, "", "one experiment", reason)]
    mlflow.set_experiment(experiment_id=experiments[0])
    options: dict[str, Any] = {}
    if "quality_criteria" in inspect.signature(mlflow.genai.evaluate).parameters:
        options["quality_criteria"] = " AND ".join(one.condition for one in criteria.thresholds)
    with mlflow.start_run(run_name=RUN_NAME):
        result = mlflow.genai.evaluate(data=traces, scorers=scorers, **options)
    checks = [_check_threshold(one, result.metrics) for one in criteria.thresholds]
    if criteria.baseline:
        lower = [one.metric.split("/")[0] for one in criteria.thresholds if one.at_most is not None]
        checks += _compare(result.run_id, criteria.baseline, lower)
    return checks


def load_scorers(gate: QualityGate, criteria: EvaluationCriteria) -> list[Any]:
    """The scorers of the gate: its own, and those of the file. Raises like `evaluate_traces`."""
    scorers = [make_finding_scorer()]
    if criteria.expectations:
        expectations = load_expectations(criteria.expectations)
        scorers.append(make_joint_scorer(lambda tags: expectations))
    if criteria.scorers:
        found = run_python_file(criteria.scorers, GateFileError).get(SCORERS_LIST)
        if not isinstance(found, list) or not all(hasattr(one, "name") for one in found):
            raise GateFileError(
                f"{criteria.scorers}: expected {SCORERS_LIST} = [...], a list of MLflow's scorers"
            )
        scorers += found
    names = [scorer.name for scorer in scorers]
    for one in criteria.thresholds:
        if one.metric.rpartition("/")[0] not in names:
            section = f"{GATE_SECTION}.at_{'least' if one.at_least is not None else 'most'}"
            gate.source.check_name(section, one.metric, one.metric, names, "scorer")
    return scorers


def _check_threshold(threshold: Threshold, metrics: Mapping[str, float]) -> GateCheck:
    name = threshold.metric
    value = metrics.get(f"{name}/mean", metrics.get(name))
    if value is None:
        reason = (
            "MLflow computed no such metric: the scorer failed on every trace, or has no such"
            " aggregation; give the scorer `aggregations=[…]`, or update to MLflow 3.18"
        )
        return GateCheck(GATE_SECTION, name, NOT_EVALUATED, "", threshold.limit, reason)
    verdict = PASSED if threshold.is_met(value) else FAILED
    reason = "" if verdict == PASSED else f"{name} is {value:.3g}, {threshold.limit} is required"
    return GateCheck(GATE_SECTION, name, verdict, f"{value:.3g}", threshold.limit, reason)


def _compare(candidate: str, baseline: str, lower_is_better: Sequence[str]) -> Iterator[GateCheck]:
    """Check that no scorer is significantly worse than in the baseline."""
    import mlflow

    compare = getattr(mlflow.genai, "compare_evaluations", None)
    if compare is None:
        yield from compare_runs(candidate, baseline, lower_is_better)
        return
    directions = dict.fromkeys(lower_is_better, False)
    compared = compare(candidate, baseline, greater_is_better=directions)
    if not compared.scorers:
        yield _not_compared(baseline)
    for name, one in compared.scorers.items():
        if one.status != "ok":
            yield _too_few(name, one.n_paired)
            continue
        is_worse = one.diff < 0 if one.greater_is_better else one.diff > 0
        yield _compared(name, f"{one.diff:+.3g}", one.p_value, is_worse)


def compare_runs(
    candidate: str, baseline: str, lower_is_better: Sequence[str]
) -> Iterator[GateCheck]:
    """Compare two evaluation runs by an exact paired test of each scorer that says yes or no."""
    before, after = _read_ratings(baseline), _read_ratings(candidate)
    names = sorted(before.keys() & after.keys())
    if not names:
        yield _not_compared(baseline)
    for name in names:
        common = before[name].keys() & after[name].keys()
        if len(common) < MIN_PAIRS:
            yield _too_few(name, len(common))
            continue
        pair = {
            "baseline": {key: before[name][key] for key in common},
            "candidate": {key: after[name][key] for key in common},
        }
        compared = compare_pairs(pair)
        diff = (compared.only_second - compared.only_first) / compared.tasks
        is_worse = diff > 0 if name in lower_is_better else diff < 0
        yield _compared(name, f"{diff:+.3g}", compared.p_value, is_worse)


def _read_ratings(run_id: str) -> dict[str, dict[str, bool]]:
    """What each scorer said in an evaluation run, by the input of the trace."""
    import mlflow

    experiment = mlflow.get_run(run_id).info.experiment_id
    traces = mlflow.search_traces(
        locations=[experiment], run_id=run_id, return_type="list", order_by=["timestamp_ms ASC"]
    )
    ratings: dict[str, dict[str, bool]] = {}
    seen: Counter[str] = Counter()
    for trace in traces:
        request = json.dumps(trace.data.request, sort_keys=True, default=str)
        seen[request] += 1  # of several runs of one task, the first is paired with the first
        for one in trace.info.assessments:
            is_of_run = (one.metadata or {}).get("mlflow.assessment.sourceRunId") == run_id
            if is_of_run and (rating := RATINGS.get(one.value)) is not None:
                ratings.setdefault(one.name, {})[f"{seen[request]} {request}"] = rating
    return ratings


def _compared(name: str, diff: str, p_value: float, is_worse: bool) -> GateCheck:
    failed = is_worse and p_value < SIGNIFICANCE_LEVEL
    reason = f"{name} is worse than in the baseline (p = {p_value:.3f})" if failed else ""
    limit = "not significantly worse"
    return GateCheck("baseline", name, FAILED if failed else PASSED, diff, limit, reason)


def _too_few(name: str, pairs: int) -> GateCheck:
    reason = f"{pairs} of {MIN_PAIRS} pairs of runs with the same input"
    return GateCheck("baseline", name, SKIPPED, "", "not significantly worse", reason)


def _not_compared(baseline: str) -> GateCheck:
    reason = f"the evaluation run {baseline} has no scorer in common with this one"
    return GateCheck("baseline", "scorers", NOT_EVALUATED, "", "not significantly worse", reason)

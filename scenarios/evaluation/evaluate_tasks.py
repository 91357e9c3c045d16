"""Run the evaluation tasks, broken and fixed; score them by judges and code; report the scores."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow

from scenarios.evaluation.paired_comparison import (
    Agreement,
    PairedComparison,
    compare_pairs,
    measure_agreement,
)
from scenarios.evaluation.task_runs import (
    CONVERSATION_SCENARIO,
    TASKS,
    TaskRun,
    build_code_scorers,
    run_tasks,
    update_dataset,
)
from scenarios.player.run import run_scenario
from scenarios.replay.replay_server import replay_tape
from scenarios.reports.document_parts import markdown_table
from scenarios.tape.tape import Tape, TapeError
from scenarios.testing.environment_variables import environment_variables
from workflows.lifecycle.evaluation import Evaluation
from workflows.model import Model

JUDGE_TAPE = Path(__file__).with_name("judges.jsonl")
JUDGES = ("groundedness", "relevance", "correctness", "safety")
MLFLOW_KEY_VARIABLE = "OPENAI_API_KEY"
"""The variable from which MLflow's judges read their key. It holds the key while they judge."""

Scores = Mapping[str, Mapping[str, bool]]
"""Whether each scorer passes, by scorer and task."""


@dataclass(frozen=True)
class TaskEvaluation:
    """The scores of the broken and the fixed runs, and what follows from them.

    Attributes:
        agreements: By judge, how well its verdicts agree with the scenarios' expectations.
        conversation: The verdict on the session.
        runs: The ids of the evaluation runs in MLflow, by name.
    """

    broken: Scores
    fixed: Scores
    agreements: Mapping[str, Agreement]
    conversation: bool
    dataset: str
    runs: Mapping[str, str]

    @property
    def comparisons(self) -> dict[str, PairedComparison]:
        return {
            name: compare_pairs({"broken": self.broken[name], "fixed": self.fixed[name]})
            for name in sorted(self.broken)
        }


def evaluate_tasks(store: str, judge: Model | None = None) -> TaskEvaluation:
    """Run and evaluate all tasks, and a session, which is judged as a whole.

    Args:
        store: The MLflow store for traces, dataset, assessments and evaluation runs.
        judge: The model that judges. Default: the tape beside this file.
    """
    mlflow.set_tracking_uri(store)
    runs = list(run_tasks(TASKS, store))
    session = run_scenario(CONVERSATION_SCENARIO, store).variants[0].trace
    assert session  # its verdict is part of `make check`
    experiment_id = runs[0].trace.experiment_id
    mlflow.set_experiment(experiment_id=experiment_id)
    dataset = update_dataset(experiment_id, [mlflow.get_trace(run.trace_id) for run in runs])
    with _judging_model(judge) as model:
        evaluation = Evaluation(model, build_code_scorers())
        results = {
            variant: evaluation.run(variant, _traces(runs, variant))
            for variant in ("broken", "fixed")
        }
        conversation = evaluation.run_session("session", list(map(mlflow.get_trace, session.ids)))
    scores = {name: _read_scores(runs, name, result) for name, result in results.items()}
    return TaskEvaluation(
        **scores,
        agreements={name: _measure_judge(name, runs, scores) for name in JUDGES},
        conversation=bool(conversation.metrics["conversation/mean"]),
        dataset=dataset.name,
        runs={name: result.run_id for name, result in results.items()},
    )


@contextmanager
def _judging_model(judge: Model | None) -> Generator[Model]:
    """The judge, and its key in the variable that MLflow reads."""
    key = judge.api_key if judge else "taped"
    with environment_variables({MLFLOW_KEY_VARIABLE: key}):
        if judge:
            yield judge
            return
        with replay_tape(Tape.load(JUDGE_TAPE)) as replay:
            yield Model("taped", replay.base_url, api_key=key)
            if replay.refusals:
                raise TapeError("\n".join(map(str, replay.refusals)))


def _traces(runs: Sequence[TaskRun], variant: str) -> list[Any]:
    return [mlflow.get_trace(run.trace_id) for run in runs if run.variant == variant]


def _read_scores(runs: Sequence[TaskRun], variant: str, result: Any) -> dict[str, dict[str, bool]]:
    """The scores of an evaluation run, read from the assessments that it stored."""
    scores: dict[str, dict[str, bool]] = {}
    for run in runs:
        if run.variant != variant:
            continue
        for one in mlflow.get_trace(run.trace_id).info.assessments:
            if (one.metadata or {}).get("mlflow.assessment.sourceRunId") == result.run_id:
                passed = one.value in (True, "yes")
                scores.setdefault(one.name, {})[run.task.scenario] = passed
    return scores


def _measure_judge(judge: str, runs: Sequence[TaskRun], scores: Mapping[str, Scores]) -> Agreement:
    verdicts = [scores[run.variant][judge][run.task.scenario] for run in runs]
    return measure_agreement(verdicts, [run.is_right for run in runs])


def render_evaluation(evaluation: TaskEvaluation) -> str:
    """Markdown: the scores, how sure their difference is, and how good the judges are."""
    scores = markdown_table(("scorer", "broken", "fixed", "verdict"), _score_rows(evaluation))
    agreements = markdown_table(
        ("judge", "agrees with the expectations", "Cohen's kappa"), _judge_rows(evaluation)
    )
    runs = ", ".join(f"{name!r}" for name in evaluation.runs)
    return "\n".join(
        [
            *(*scores, ""),
            *(*agreements, ""),
            f"The conversation {'passes' if evaluation.conversation else 'fails'}.",
            f"In MLflow: the dataset {evaluation.dataset!r}, and the evaluation runs {runs}",
        ]
    )


def _score_rows(evaluation: TaskEvaluation) -> Iterator[tuple[str, ...]]:
    for name, compared in evaluation.comparisons.items():
        passed = (sum(one[name].values()) for one in (evaluation.broken, evaluation.fixed))
        yield name, *(f"{count} of {compared.tasks}" for count in passed), compared.verdict


def _judge_rows(evaluation: TaskEvaluation) -> Iterator[tuple[str, ...]]:
    for name, agreement in evaluation.agreements.items():
        kappa = "undefined" if agreement.kappa is None else f"{agreement.kappa:.2f}"
        yield name, f"{agreement.accuracy:.0%}", kappa

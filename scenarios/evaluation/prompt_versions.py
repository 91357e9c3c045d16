"""Compare two versions of a prompt on a dataset, with a verdict."""

import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

from instrumentation import enable_tracing
from instrumentation.trace import TraceNotFoundError
from scenarios.evaluation.paired_comparison import PairedComparison, compare_pairs
from workflows.lifecycle.dataset_records import read_records
from workflows.lifecycle.prompt_evaluation import PromptEvaluation
from workflows.model import Model

SKIP_VALIDATION_VARIABLE = "MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION"
"""Else MLflow answers the first task once more, only to see whether that makes a trace."""


@dataclass(frozen=True)
class PromptVerdict:
    """How two versions did on a dataset; `passed` has the number of tasks of each."""

    dataset: str
    passed: dict[str, int]
    comparison: PairedComparison

    def describe(self) -> Iterator[str]:
        for prompt, count in self.passed.items():
            yield f"{prompt}: {count} of {self.comparison.tasks} tasks pass"
        yield self.comparison.verdict

    def to_json(self) -> dict[str, Any]:
        compared = self.comparison
        return {
            "dataset": self.dataset,
            "tasks": compared.tasks,
            "passed": self.passed,
            "only_first": compared.only_first,
            "only_second": compared.only_second,
            "p_value": compared.p_value,
            "is_significant": compared.is_significant,
            "verdict": compared.verdict,
        }


def compare_prompts(
    store: str, dataset: str, first: str, second: str, model: Model | None = None
) -> PromptVerdict:
    """Answer the tasks of a dataset with two versions of a prompt.

    Args:
        first: A prompt, as NAME/VERSION or NAME@ALIAS.
        second: Another one.
        model: The model that answers. Default: the one that the environment selects.

    Raises:
        TraceNotFoundError: There is no such dataset or prompt, or no task of it has the label
            `answer_contains`.
        ModelNotConfiguredError: The environment selects no model.
        UnansweredTaskError: A task has no answer.
    """
    model = model or Model.from_environment()
    os.environ.setdefault(SKIP_VALIDATION_VARIABLE, "true")
    with enable_tracing(store), redirect_stdout(sys.stderr):  # MLflow prints its progress
        evaluation = PromptEvaluation(model, read_records(_find_dataset(dataset)))
        if not evaluation.records:
            raise TraceNotFoundError(
                f"no task of the dataset {dataset!r} has the label answer_contains; log it on a"
                " trace, and run: python -m scenarios dataset --from-feedback EXPERIMENT"
            )
        for prompt in (first, second):
            _require_prompt(prompt)
        results = {prompt: evaluation.score_version(prompt) for prompt in (first, second)}
    passed = {prompt: sum(result.values()) for prompt, result in results.items()}
    return PromptVerdict(dataset, passed, compare_pairs(results))


def _find_dataset(name: str) -> Any:
    from mlflow.genai.datasets import search_datasets

    found = search_datasets()
    for dataset in found:
        if dataset.name == name:
            return dataset
    names = ", ".join(sorted(one.name for one in found)) or "none"
    raise TraceNotFoundError(f"the store has no dataset {name!r}; it has: {names}")


def _require_prompt(prompt: str) -> None:
    try:
        mlflow.genai.load_prompt(f"prompts:/{prompt}")
    except MlflowException as error:
        raise TraceNotFoundError(
            f"expected a prompt of the registry as NAME/VERSION or NAME@ALIAS, found {prompt!r}:"
            f" {error.message}"
        ) from error

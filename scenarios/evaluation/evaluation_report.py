"""Render an evaluation as Markdown, which a terminal and a pull request show alike."""

from collections.abc import Iterator

from scenarios.evaluation.evaluate_tasks import TaskEvaluation
from scenarios.reports.document_parts import markdown_table


def render_evaluation(evaluation: TaskEvaluation) -> str:
    """The scores of broken and fixed, how sure the difference is, and how good the judges are."""
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

"""Render an evaluation as Markdown, which a terminal and a pull request show alike."""

from collections.abc import Iterator

from scenarios.evaluation.evaluate_tasks import TaskEvaluation


def render_evaluation(evaluation: TaskEvaluation) -> str:
    """The scores of broken and fixed, how sure the difference is, and how good the judges are."""
    return "\n".join([*_render_scores(evaluation), "", *_render_judges(evaluation)])


def _render_scores(evaluation: TaskEvaluation) -> Iterator[str]:
    yield "| scorer | broken | fixed | verdict |"
    yield "| --- | --- | --- | --- |"
    for name, compared in evaluation.comparisons.items():
        broken, fixed = (sum(one[name].values()) for one in (evaluation.broken, evaluation.fixed))
        yield (
            f"| {name} | {broken} of {compared.tasks} | {fixed} of {compared.tasks}"
            f" | {compared.verdict} |"
        )


def _render_judges(evaluation: TaskEvaluation) -> Iterator[str]:
    yield "| judge | agrees with the expectations | Cohen's kappa |"
    yield "| --- | --- | --- |"
    for name, agreement in evaluation.agreements.items():
        kappa = "undefined" if agreement.kappa is None else f"{agreement.kappa:.2f}"
        yield f"| {name} | {agreement.accuracy:.0%} | {kappa} |"
    yield ""
    yield f"The conversation {'passes' if evaluation.conversation else 'fails'}."
    yield f"In MLflow: the dataset {evaluation.dataset!r}, and the evaluation runs " + ", ".join(
        f"{name!r}" for name in evaluation.runs
    )

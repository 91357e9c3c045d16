"""Accept the span trees and model requests of a run as the new goldens, if all else is right."""

from collections.abc import Iterable
from pathlib import Path

from integrations.goldens.golden_file import (
    GOLDENS_FOLDER,
    Golden,
    golden_path,
    load_golden,
    save_golden,
)
from integrations.instrumentors.registry import WITH_DECLARED_GAPS
from integrations.runner.case_result import CaseResult
from integrations.runner.matrix import EnvironmentResult


class GoldenNotAcceptedError(Exception):
    """A result cannot become a golden; the text says why."""


def accept_goldens(result: EnvironmentResult, folder: Path = GOLDENS_FOLDER) -> tuple[Path, ...]:
    """Write the goldens of a result, and return the files that changed.

    Changed trees and prompts are accepted. A run that differs from the ground truth of its case, or
    a gap that differs from its declaration, is refused, because a golden must not hide it. The
    trees of instrumentors that did not run stay as they are. So do the requests, if the only runs
    are those of other people's instrumentors.

    Raises:
        GoldenNotAcceptedError: The result has problems other than changed trees and prompts.
    """
    problems = [problem for each in result.gap_reconciliations for problem in each.problems]
    problems += [problem for each in result.table_comparisons for problem in each.problems]
    problems += [
        f"{each.case.name}: {each.problem}" for each in result.case_results if each.problem
    ]
    if problems:
        raise GoldenNotAcceptedError(
            f"no golden of {result.spec.name} was accepted:\n" + "\n".join(problems)
        )
    by_path: dict[Path, list[CaseResult]] = {}
    for each in result.case_results:
        if not each.unsupported:
            path = golden_path(each.case.framework, each.case.name, folder)
            by_path.setdefault(path, []).append(each)
    return tuple(
        path for path, results in by_path.items() if save_golden(path, _updated(path, results))
    )


def _updated(path: Path, results: Iterable[CaseResult]) -> Golden:
    golden = load_golden(path) if path.is_file() else Golden()
    for each in results:
        requests = each.model_requests
        if each.instrumentor not in WITH_DECLARED_GAPS and golden.model_requests:
            requests = golden.model_requests
        golden = Golden(requests, golden.shapes).with_shapes(each.instrumentor, each.shapes)
    return golden

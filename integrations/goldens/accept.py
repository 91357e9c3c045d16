"""What is accepted: what a lock's own cell showed, made the golden of each case."""

from collections.abc import Iterable
from pathlib import Path

from integrations.goldens.golden_file import (
    GOLDENS_FOLDER,
    Golden,
    golden_path,
    load_golden,
    save_golden,
)
from integrations.instrumentors.names import WITH_DECLARED_GAPS
from integrations.matrix.matrix import EnvironmentResult
from integrations.runner.case_result import CaseResult


class GoldenNotAcceptedError(Exception):
    """Raised when what was seen cannot be a golden; says why."""


def accept_goldens(result: EnvironmentResult, folder: Path = GOLDENS_FOLDER) -> tuple[Path, ...]:
    """Write the goldens of what was flown; returns the files that changed.

    That a tree or a prompt changed is what accepting is for. A case that went otherwise than it
    says, or a gap that is not as it is declared, is refused: no golden must make it look right.
    What other instrumentors told, which were not flown, stays; and so does what was asked, where
    it is another's that was. Raises `NotAccepted`.
    """
    refusals = [trouble for each in result.gap_reconciliations for trouble in each.problems]
    refusals += [trouble for each in result.table_comparisons for trouble in each.problems]
    refusals += [
        f"{each.case.name}: {each.problem}" for each in result.case_results if each.problem
    ]
    if refusals:
        raise GoldenNotAcceptedError(
            f"nothing of {result.spec.name} was accepted:\n" + "\n".join(refusals)
        )
    by_case: dict[Path, list[CaseResult]] = {}
    for each in result.case_results:
        if not each.unsupported:
            path = golden_path(each.case.framework, each.case.name, folder)
            by_case.setdefault(path, []).append(each)
    return tuple(
        path for path, rows in by_case.items() if save_golden(path, _updated_golden(path, rows))
    )


def _updated_golden(path: Path, results: Iterable[CaseResult]) -> Golden:
    golden = load_golden(path) if path.is_file() else Golden()
    for each in results:
        stays = each.instrumentor not in WITH_DECLARED_GAPS and golden.model_requests
        asked = golden.model_requests if stays else each.model_requests
        golden = Golden(asked, golden.shapes).with_shapes(each.instrumentor, each.shapes)
    return golden

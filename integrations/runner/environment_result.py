"""The results of all cases in one environment, and the problems for which it fails."""

from collections.abc import Iterator
from dataclasses import dataclass

from integrations.environments.build import Environment
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.fidelity.table_comparison import TableComparison
from integrations.gaps.reconciliation import GapReconciliation
from integrations.instrumentors.registry import WITH_DECLARED_GAPS
from integrations.runner.case_result import CaseResult


@dataclass(frozen=True)
class EnvironmentResult:
    """The results in one environment.

    Attributes:
        environment: The environment; None if it could not be built.
        install_error: Why it could not be built; empty if it could.
        case_results: The results of all cases under all instrumentors.
        gap_reconciliations: By framework and instrumentor, for instrumentors with declared gaps.
        duration_s: The sum of the durations of all jobs, in seconds.
        table_comparisons: By framework and instrumentor, for the other instrumentors.
    """

    spec: EnvironmentSpec
    environment: Environment | None
    install_error: str
    case_results: tuple[CaseResult, ...]
    gap_reconciliations: tuple[GapReconciliation, ...]
    duration_s: float
    table_comparisons: tuple[TableComparison, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each reason why the environment fails."""
        return tuple(self._find_problems())

    @property
    def passed(self) -> bool:
        """Whether there are no problems."""
        return not self.problems

    def _find_problems(self) -> Iterator[str]:
        if self.install_error and not self.spec.expects_conflict:
            yield f"could not be installed: {self.install_error}"
        if self.spec.expects_conflict and not self.install_error:
            yield (
                "could be installed, but is declared as a conflict: remove `expects_conflict` in"
                " integrations/environments/declared_environments.py"
            )
        for reconciliation in self.gap_reconciliations:
            yield from reconciliation.problems
        for comparison in self.table_comparisons:
            yield from comparison.problems
        if self.spec.is_locked:
            yield from self._golden_problems()

    def _golden_problems(self) -> Iterator[str]:
        """Compare with the goldens, which were accepted in the locked environments.

        In any other environment trees may differ; the report shows that, and it is no problem.
        """
        by_problem = {
            "have no golden": [each for each in self.case_results if each.lacks_golden],
            "differ from their goldens": [
                each for each in self.case_results if _differs_from_golden(each)
            ],
        }
        for problem, results in by_problem.items():
            names = ", ".join(dict.fromkeys(each.case.full_name for each in results))
            if names:
                yield f"{names} {problem}: if this is intended, python -m integrations accept"


def _differs_from_golden(result: CaseResult) -> bool:
    """Whether trees differ, or requests. Other people's instrumentors may change requests."""
    compares_requests = result.instrumentor in WITH_DECLARED_GAPS
    return bool(result.edits or (result.request_drifts and compares_requests))

"""The page "It would have caught them": each regression, red where it was, and green where not."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from integrations.environments.environment_spec import FRAMEWORK_PACKAGES
from integrations.regressions.regression import RegressionResult, RegressionSide
from integrations.reports.matrix_markdown import escape_markdown, markdown_table
from scenarios.player.fidelity import FidelityCount

REGRESSIONS_PAGE = Path(__file__).parent.parent / "CAUGHT.md"
SHARED_DEPENDENCIES = ("opentelemetry-sdk",)
"""What matters beneath MLflow and a framework, where it makes the difference."""
ADDRESS = re.compile(r"https://[^\s,;)]+")
HEADINGS = ("versions", "instrumentor", "counts: told of happened", "verdict")
INTRODUCTION = """\
# It would have caught them

Known regressions of tracing integrations, each flown by `python -m integrations caught` on the \
versions that have it, and on those that don't, or with our own instrumentation. The counts are of \
the case named: what the trace tells, of what really happened by the ledger of the replay server. \
This page is produced, and says what was seen.
"""


def regressions_page(results: Sequence[RegressionResult]) -> str:
    """The whole page."""
    proven = sum(each.is_proven for each in results)
    told = f"{INTRODUCTION}\n{proven} of {len(results)} are red on the bad side, green on the good."
    return "\n".join([told, *(line for each in results for line in _section(each)), ""])


def _section(result: RegressionResult) -> Iterator[str]:
    regression = result.regression
    case = f"{regression.case.framework}/{regression.case.name}"
    yield f"\n## {escape_markdown(regression.title)}\n"
    yield f"Upstream: {_link_addresses(regression.upstream)}. Case: `{case}`.\n"
    bad, good = _versions(result)
    yield from markdown_table(
        HEADINGS,
        (
            _table_row(
                bad, regression.bad, result.bad_counts, "red" if result.is_red else "**not red**"
            ),
            _table_row(
                good,
                regression.good,
                result.good_counts,
                "green" if result.is_green else "**not green**",
            ),
        ),
        is_markup=True,
    )
    if result.problem:
        yield f"\n{escape_markdown(result.problem.splitlines()[0])}"


def _table_row(
    versions: str, side: RegressionSide, counts: Mapping[str, FidelityCount], verdict: str
) -> tuple[str, str, str, str]:
    told = ", ".join(f"{name} {count.trace} of {count.ledger}" for name, count in counts.items())
    return versions or side.spec.name, side.instrumentor, told or "–", verdict


def _versions(result: RegressionResult) -> tuple[str, str]:
    """MLflow's and the framework's version on either side; the rest only if it makes the case."""
    bad, good = result.versions
    framework = FRAMEWORK_PACKAGES[result.regression.case.framework] or ("openai",)
    names: tuple[str, ...] = ("mlflow", framework[0])
    if all(bad.get(name) == good.get(name) for name in names):
        names += tuple(name for name in SHARED_DEPENDENCIES if bad.get(name) != good.get(name))
    told = (
        ", ".join(f"{name} {side[name]}" for name in names if name in side) for side in (bad, good)
    )
    return next(told), next(told)


def _link_addresses(upstream: str) -> str:
    """Addresses as links; the rest as it is."""
    return ADDRESS.sub(r"<\g<0>>", upstream)

"""The page integrations/CAUGHT.md: upstream regressions, and whether the suite detects them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from integrations.environments.environment_spec import FRAMEWORK_PACKAGES
from integrations.regressions.regression import RegressionResult, RegressionSide
from integrations.reports.tables import escape_markdown, markdown_table
from scenarios.player.fidelity import FidelityCount

REGRESSIONS_PAGE = Path(__file__).parent.parent / "CAUGHT.md"
SHARED_DEPENDENCIES = ("opentelemetry-sdk",)
"""Dependencies of MLflow and the frameworks whose version is shown if it makes the difference."""
ADDRESS = re.compile(r"https://[^\s,;)]+")
HEADINGS = ("versions", "instrumentor", "counts: recorded of happened", "verdict")
INTRODUCTION = """\
# Known regressions that the suite detects

Regressions of tracing integrations. `python -m integrations caught` runs each on versions that \
have it, and on versions that do not, or with our own instrumentation. The counts are those of the \
case: what the trace records of what happened, by the log of the replay server. This page is \
generated.
"""


def render_regressions_page(results: Sequence[RegressionResult]) -> str:
    proven = sum(each.is_proven for each in results)
    summary = f"{proven} of {len(results)} are red on the bad versions and green on the good ones."
    lines = (line for each in results for line in _section(each))
    return "\n".join([f"{INTRODUCTION}\n{summary}", *lines, ""])


def _section(result: RegressionResult) -> Iterator[str]:
    regression = result.regression
    upstream = ADDRESS.sub(r"<\g<0>>", regression.upstream)
    yield f"\n## {escape_markdown(regression.title)}\n"
    yield f"Upstream: {upstream}. Case: `{regression.case.full_name}`.\n"
    bad_verdict = "red" if result.is_red else "**not red**"
    good_verdict = "green" if result.is_green else "**not green**"
    bad, good = _versions(result)
    rows = (
        _table_row(bad, regression.bad, result.bad_counts, bad_verdict),
        _table_row(good, regression.good, result.good_counts, good_verdict),
    )
    yield from markdown_table(HEADINGS, rows, is_markup=True)
    if result.problem:
        yield f"\n{escape_markdown(result.problem.splitlines()[0])}"


def _table_row(
    versions: str, side: RegressionSide, counts: Mapping[str, FidelityCount], verdict: str
) -> tuple[str, str, str, str]:
    text = ", ".join(f"{name} {count}" for name, count in counts.items())
    return versions or side.spec.name, side.instrumentor, text or "–", verdict


def _versions(result: RegressionResult) -> tuple[str, str]:
    """Return the versions of both sides: MLflow, the framework, and a dependency that decides."""
    bad, good = result.versions
    name = result.regression.case.framework
    framework = FRAMEWORK_PACKAGES.get(name, (name,)) or ("openai",)
    names: tuple[str, ...] = ("mlflow", framework[0])
    if all(bad.get(name) == good.get(name) for name in names):
        names += tuple(name for name in SHARED_DEPENDENCIES if bad.get(name) != good.get(name))
    bad_text, good_text = (
        ", ".join(f"{name} {side[name]}" for name in names if name in side) for side in (bad, good)
    )
    return bad_text, good_text

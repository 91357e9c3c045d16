"""The page "It would have caught them": each regression, red where it was, and green where not."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from integrations.environments.environment_spec import PACKAGES
from integrations.regressions.regression import Caught, Side
from integrations.reports.matrix_markdown import plain, table
from scenarios.player.fidelity import Count

PAGE = Path(__file__).parent.parent / "CAUGHT.md"
BENEATH = ("opentelemetry-sdk",)
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


def page(caught: Sequence[Caught]) -> str:
    """The whole page."""
    proven = sum(each.proven for each in caught)
    told = f"{INTRODUCTION}\n{proven} of {len(caught)} are red on the bad side, green on the good."
    return "\n".join([told, *(line for each in caught for line in _section(each)), ""])


def _section(caught: Caught) -> Iterator[str]:
    regression = caught.regression
    case = f"{regression.case.framework}/{regression.case.name}"
    yield f"\n## {plain(regression.title)}\n"
    yield f"Upstream: {_linked(regression.upstream)}. Case: `{case}`.\n"
    bad, good = _versions(caught)
    yield from table(
        HEADINGS,
        (
            _row(bad, regression.bad, caught.bad, "red" if caught.red else "**not red**"),
            _row(good, regression.good, caught.good, "green" if caught.green else "**not green**"),
        ),
        marked_up=True,
    )
    if caught.trouble:
        yield f"\n{plain(caught.trouble.splitlines()[0])}"


def _row(
    versions: str, side: Side, counts: Mapping[str, Count], verdict: str
) -> tuple[str, str, str, str]:
    told = ", ".join(f"{name} {count.trace} of {count.ledger}" for name, count in counts.items())
    return versions or side.cell.name, side.instrumentor, told or "–", verdict


def _versions(caught: Caught) -> tuple[str, str]:
    """MLflow's and the framework's version on either side; the rest only if it makes the case."""
    bad, good = caught.versions
    framework = PACKAGES[caught.regression.case.framework] or ("openai",)
    names: tuple[str, ...] = ("mlflow", framework[0])
    if all(bad.get(name) == good.get(name) for name in names):
        names += tuple(name for name in BENEATH if bad.get(name) != good.get(name))
    told = (
        ", ".join(f"{name} {side[name]}" for name in names if name in side) for side in (bad, good)
    )
    return next(told), next(told)


def _linked(upstream: str) -> str:
    """Addresses as links; the rest as it is."""
    return ADDRESS.sub(r"<\g<0>>", upstream)

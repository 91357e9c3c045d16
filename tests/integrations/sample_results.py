"""Made rows: what a cell showed, as reports are given it, without a cell to show it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from integrations.cases.case import Case
from integrations.environments.build import Environment
from integrations.environments.environment_spec import Cell
from integrations.gaps.gap import Gap
from integrations.gaps.reconciliation import reconcile
from integrations.goldens.request_drift import Drifted
from integrations.matrix.matrix import Flown
from integrations.runner.case_result import Row
from integrations.trees.edit_script import Edit
from scenarios.player.fidelity import Count
from scenarios.tape.drift import Change

PACKAGES = {"mlflow": "3.18.0rc1", "crewai": "1.15.30"}
LOST = Edit("lost", "office › writer › Completions", "span lost", 2)
WORDED = Drifted("writer", 1, (Change("text", "message 1 (system) was 'a|b' and is 'c'"),))
GAP = Gap(
    "no_handoffs",
    "a handoff is told nowhere",
    "https://example.org/7",
    "crewai",
    ("plain autolog",),
    {"mlflow": ">=3"},
    {"handoffs": ("sequential",)},
    "a_patch",
)


def row(name: str = "sequential", **told: Any) -> Row:
    """A case that is told whole, and as its golden has it."""
    whole = Row(
        case=Case(name, "crewai", name, ({"lane": "writer"},)),
        instrumentor="plain autolog",
        counts={"tools": Count(2, 2), "handoffs": Count(1, 1)},
        trouble="",
        absent="",
        answer="",
        bytes=1200,
        shapes=(),
        asked=(),
        edits=(),
        drifts=(),
        without_golden=False,
    )
    return replace(whole, **told)


def flown(
    *rows: Row, cell: Cell | None = None, known: Sequence[Gap] = (), why_not: str = ""
) -> Flown:
    """A cell in which these were seen."""
    stands = Environment(Path("cell"), PACKAGES, 12.0, 3, 600_000_000, 1_000_000)
    counts: Mapping[str, Mapping[str, Count]] = {each.case.name: each.counts for each in rows}
    return Flown(
        cell or Cell("a cell", ("mlflow==3.18.0rc1",)),
        None if why_not else stands,
        why_not,
        rows,
        (reconcile("crewai", "plain autolog", PACKAGES, counts, known),),
        took_s=7.4,
    )

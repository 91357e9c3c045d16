"""Made rows: what a cell showed, as reports are given it, without a cell to show it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from integrations.cases.case import Case
from integrations.environments.build import Environment
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.gaps.gap import Gap
from integrations.gaps.reconciliation import reconcile_gaps
from integrations.goldens.request_drift import RequestDrift
from integrations.matrix.environment_result import EnvironmentResult
from integrations.runner.case_result import CaseResult
from integrations.trees.edit_script import Edit
from scenarios.player.fidelity import FidelityCount
from scenarios.tape.drift import Change

PACKAGES = {"mlflow": "3.18.0rc1", "crewai": "1.15.30"}
LOST_EDIT = Edit("lost", "office › writer › Completions", "span lost", 2)
PROMPT_DRIFT = RequestDrift(
    "writer", 1, (Change("text", "message 1 (system) was 'a|b' and is 'c'"),)
)
HANDOFF_GAP = Gap(
    "no_handoffs",
    "a handoff is told nowhere",
    "https://example.org/7",
    "crewai",
    ("plain autolog",),
    {"mlflow": ">=3"},
    {"handoffs": ("sequential",)},
    "a_patch",
)


def make_case_result(name: str = "sequential", **changes: Any) -> CaseResult:
    """A case that is told whole, and as its golden has it."""
    whole = CaseResult(
        case=Case(name, "crewai", name, ({"lane": "writer"},)),
        instrumentor="plain autolog",
        counts={"tools": FidelityCount(2, 2), "handoffs": FidelityCount(1, 1)},
        problem="",
        unsupported="",
        answer="",
        stored_bytes=1200,
        shapes=(),
        model_requests=(),
        edits=(),
        request_drifts=(),
        lacks_golden=False,
    )
    return replace(whole, **changes)


def make_environment_result(
    *rows: CaseResult,
    spec: EnvironmentSpec | None = None,
    known: Sequence[Gap] = (),
    install_error: str = "",
) -> EnvironmentResult:
    """A cell in which these were seen."""
    stands = Environment(Path("cell"), PACKAGES, 12.0, 3, 600_000_000, 1_000_000)
    counts: Mapping[str, Mapping[str, FidelityCount]] = {
        each.case.name: each.counts for each in rows
    }
    return EnvironmentResult(
        spec or EnvironmentSpec("a cell", ("mlflow==3.18.0rc1",)),
        None if install_error else stands,
        install_error,
        rows,
        (reconcile_gaps("crewai", "plain autolog", PACKAGES, counts, known),),
        duration_s=7.4,
    )

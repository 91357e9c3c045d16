"""Sample results of cases and environments, made without running anything."""

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
from integrations.goldens.trees.edit_script import Edit
from integrations.runner.case_result import CaseResult
from integrations.runner.matrix import EnvironmentResult
from scenarios.player.fidelity import FidelityCount
from scenarios.tape.requests.drift import Change

PACKAGES = {"mlflow": "3.18.0rc1", "crewai": "1.15.30"}
LOST_EDIT = Edit("lost", "office › writer › Completions", "span lost", 2)
PROMPT_DRIFT = RequestDrift(
    "writer", 1, (Change("text", "message 1 (system) was 'a|b' and is 'c'"),)
)
HANDOFF_GAP = Gap(
    "no_handoffs",
    "handoffs are not recorded",
    "https://example.org/7",
    "crewai",
    ("plain autolog",),
    {"mlflow": ">=3"},
    {"handoffs": ("sequential",)},
    "a_patch",
)


def make_case_result(name: str = "sequential", **changes: Any) -> CaseResult:
    """Return a complete result that agrees with its golden."""
    complete = CaseResult(
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
    return replace(complete, **changes)


def make_environment_result(
    *results: CaseResult,
    spec: EnvironmentSpec | None = None,
    known_gaps: Sequence[Gap] = (),
    install_error: str = "",
) -> EnvironmentResult:
    """Return the result of an environment with these case results."""
    environment = Environment(Path("environment"), PACKAGES, 12.0, 3, 600_000_000, 1_000_000)
    counts: Mapping[str, Mapping[str, FidelityCount]] = {
        each.case.name: each.counts for each in results
    }
    return EnvironmentResult(
        spec or EnvironmentSpec("an environment", ("mlflow==3.18.0rc1",)),
        None if install_error else environment,
        install_error,
        results,
        (reconcile_gaps("crewai", "plain autolog", PACKAGES, counts, known_gaps),),
        duration_s=7.4,
    )

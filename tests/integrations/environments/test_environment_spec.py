"""An environment is specified by the versions in which it differs from a lock file."""

import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from integrations.environments.declared_environments import (
    DECLARED_ENVIRONMENTS,
    LOCKED,
)
from integrations.environments.environment_spec import (
    FRAMEWORK_PACKAGES,
    EnvironmentSpec,
    spec_from_requirements,
)
from integrations.environments.lock_files import LOCKS_FOLDER
from integrations.environments.requirements import (
    RequirementError,
    package_name,
    parse_requirement,
    pinned_versions,
)
from tests.integrations.environments.sample_packages import write_wheel

PINS = {
    "mlflow": "3.17.2",
    "crewai": "1.15.30",
    "autogen-agentchat": "0.7.5",
    "autogen-core": "0.7.5",
    "autogen-ext": "0.7.5",
    "openai": "2.54.0",
}
CREWAI = ("crewai",)
AUTOGEN = ("autogen",)


def test_a_spec_without_requirements_is_the_current_environment() -> None:
    assert LOCKED.build().python.parent == Path(sys.executable).parent


def test_packages_without_requirement_are_pinned_as_in_the_lock() -> None:
    requirements = EnvironmentSpec("x", ("crewai==1.9.3",), CREWAI).all_requirements(PINS)
    assert "mlflow==3.17.2" in requirements


def test_a_requirement_replaces_the_pin() -> None:
    requirements = EnvironmentSpec("x", ("crewai==1.9.3",), CREWAI).all_requirements(PINS)
    assert [each for each in requirements if each.startswith("crewai")] == [
        "crewai",
        "crewai==1.9.3",
    ]


def test_a_requirement_unpins_packages_that_are_released_together() -> None:
    requirements = EnvironmentSpec("x", ("autogen-agentchat==0.6.1",), AUTOGEN).all_requirements(
        PINS
    )
    assert [each for each in requirements if each.startswith("autogen-c")] == ["autogen-core"]


def test_a_requirement_keeps_the_extras_that_the_cases_need() -> None:
    requirements = EnvironmentSpec("x", ("autogen-ext==0.7.4",), AUTOGEN).all_requirements(PINS)
    assert {"autogen-ext[openai]", "autogen-ext==0.7.4"} <= set(requirements)


def test_a_wheel_replaces_the_pin_of_its_package(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, "mlflow", "9.0")
    assert "mlflow==3.17.2" not in EnvironmentSpec("x", (str(path),), CREWAI).all_requirements(PINS)


def test_a_spec_that_ignores_the_lock_has_no_pins() -> None:
    assert not [
        each
        for each in EnvironmentSpec("x", ignores_lock=True).all_requirements(PINS)
        if "==" in each
    ]


@pytest.mark.parametrize(
    ("requirement", "frameworks"),
    [
        ("crewai==1.16", CREWAI),
        ("autogen-core==0.7.4", AUTOGEN),
        ("openai==3", ("openai",)),
        ("mlflow==3.18.0", tuple(FRAMEWORK_PACKAGES)),
        ("opentelemetry-sdk<1.38", tuple(FRAMEWORK_PACKAGES)),
    ],
)
def test_only_frameworks_that_a_requirement_concerns_are_run(
    requirement: str, frameworks: tuple[str, ...]
) -> None:
    assert spec_from_requirements([requirement]).frameworks == frameworks


def test_the_name_of_a_spec_contains_no_secret() -> None:
    requirement = "mlflow @ git+https://me:pass@host/mlflow/mlflow.git@branch"
    assert spec_from_requirements([requirement]).name == "mlflow @ mlflow.git@branch"


def test_a_folder_has_its_decoded_name(tmp_path: Path) -> None:
    (tmp_path / "my tree").mkdir()
    assert (
        spec_from_requirements([f"mlflow @ {(tmp_path / 'my tree').as_uri()}"]).name
        == "mlflow @ my tree"
    )


def test_an_error_names_the_path_of_a_missing_folder() -> None:
    with pytest.raises(
        RequirementError, match="mlflow: there is no file or folder /nowhere/my tree"
    ):
        spec_from_requirements(["mlflow @ file:///nowhere/my%20tree"])


def test_an_invalid_requirement_is_refused() -> None:
    with pytest.raises(RequirementError):
        spec_from_requirements(["no such thing"])


def test_every_declared_environment_has_a_unique_name_and_a_note() -> None:
    assert len({each.name for each in DECLARED_ENVIRONMENTS}) == len(DECLARED_ENVIRONMENTS)
    assert all(each.note for each in DECLARED_ENVIRONMENTS)


@pytest.mark.parametrize("declared", DECLARED_ENVIRONMENTS, ids=lambda each: each.name)
def test_every_declared_environment_has_valid_requirements(declared: EnvironmentSpec) -> None:
    assert all(Requirement(line) for line in declared.all_requirements(PINS))
    assert set(declared.frameworks) <= set(FRAMEWORK_PACKAGES)
    assert set(declared.instrumentors) <= set(declared.lock_file.instrumentors)


@pytest.mark.parametrize("name", ["openinference", "openllmetry", "openlit"])
def test_an_instrumentors_lock_has_the_framework_versions_of_the_project(
    name: str, project_root: Path
) -> None:
    locked = pinned_versions((project_root / "requirements.lock").read_text("utf-8").splitlines())
    pins = pinned_versions((LOCKS_FOLDER / f"{name}.lock").read_text("utf-8").splitlines())
    frameworks = {each for each in PINS if each in pins}
    assert frameworks >= PINS.keys() - {"mlflow"}
    assert {each: pins[each] for each in frameworks} == {each: locked[each] for each in frameworks}


@pytest.mark.parametrize("name", ["openinference", "openllmetry", "openlit"])
def test_an_instrumentors_lock_satisfies_its_input_file(name: str) -> None:
    stem = LOCKS_FOLDER / name
    pins = pinned_versions(stem.with_suffix(".lock").read_text("utf-8").splitlines())
    requirements = map(parse_requirement, stem.with_suffix(".in").read_text("utf-8").split())
    assert not [
        each for each in requirements if not each.specifier.contains(pins[package_name(each)])
    ]

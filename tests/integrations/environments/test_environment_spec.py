"""A cell is the lock with some versions moved, and each declared one can be told from the rest."""

import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from integrations.environments import requirements as lines
from integrations.environments.declared_environments import (
    DECLARED_ENVIRONMENTS,
    LOCKED,
    find_declared,
)
from integrations.environments.environment_spec import (
    FRAMEWORK_PACKAGES,
    EnvironmentSpec,
    spec_from_requirements,
)
from integrations.environments.requirements import RequirementError
from tests.integrations.environments.sample_packages import write_wheel

PINS = {
    "mlflow": "3.17.2",
    "crewai": "1.15.30",
    "autogen-agentchat": "0.7.5",
    "autogen-core": "0.7.5",
    "autogen-ext": "0.7.5",
    "openai": "2.54.0",
}
CREW = ("crewai",)
TEAM = ("autogen",)


def test_a_cell_without_requirements_is_the_lock() -> None:
    assert LOCKED.build().python.parent == Path(sys.executable).parent


def test_what_a_cell_says_nothing_of_is_pinned_as_in_the_lock() -> None:
    wanted = EnvironmentSpec("x", ("crewai==1.9.3",), CREW).all_requirements(PINS)
    assert "mlflow==3.17.2" in wanted


def test_a_requirement_of_the_cell_takes_the_place_of_the_pin() -> None:
    wanted = EnvironmentSpec("x", ("crewai==1.9.3",), CREW).all_requirements(PINS)
    assert [each for each in wanted if each.startswith("crewai")] == ["crewai", "crewai==1.9.3"]


def test_a_package_moves_those_that_are_released_with_it() -> None:
    wanted = EnvironmentSpec("x", ("autogen-agentchat==0.6.1",), TEAM).all_requirements(PINS)
    assert [each for each in wanted if each.startswith("autogen-c")] == ["autogen-core"]


def test_a_package_keeps_the_extras_that_the_cases_need() -> None:
    wanted = EnvironmentSpec("x", ("autogen-ext==0.7.4",), TEAM).all_requirements(PINS)
    assert {"autogen-ext[openai]", "autogen-ext==0.7.4"} <= set(wanted)


def test_a_wheel_takes_the_place_of_the_pin_of_the_package_in_it(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, "mlflow", "9.0")
    assert "mlflow==3.17.2" not in EnvironmentSpec("x", (str(path),), CREW).all_requirements(PINS)


def test_the_newest_cell_takes_no_version_from_the_lock() -> None:
    assert not [
        each
        for each in EnvironmentSpec("x", ignores_lock=True).all_requirements(PINS)
        if "==" in each
    ]


@pytest.mark.parametrize(
    ("requirement", "frameworks"),
    [
        ("crewai==1.16", CREW),
        ("autogen-core==0.7.4", TEAM),
        ("openai==3", ("openai",)),
        ("mlflow==3.18.0", tuple(FRAMEWORK_PACKAGES)),
        ("opentelemetry-sdk<1.38", tuple(FRAMEWORK_PACKAGES)),
    ],
)
def test_what_a_person_asks_for_is_played_where_it_matters(
    requirement: str, frameworks: tuple[str, ...]
) -> None:
    assert spec_from_requirements([requirement]).frameworks == frameworks


def test_the_name_of_what_is_asked_for_tells_no_secret() -> None:
    requirement = "mlflow @ git+https://me:pass@host/mlflow/mlflow.git@branch"
    assert spec_from_requirements([requirement]).name == "mlflow @ mlflow.git@branch"


def test_a_folder_is_called_as_it_is_on_disk(tmp_path: Path) -> None:
    (tmp_path / "my tree").mkdir()
    assert (
        spec_from_requirements([f"mlflow @ {(tmp_path / 'my tree').as_uri()}"]).name
        == "mlflow @ my tree"
    )


def test_a_folder_that_is_not_there_is_told_with_where_it_was_looked_for() -> None:
    with pytest.raises(
        RequirementError, match="no file or folder /nowhere/my tree, from which mlfl"
    ):
        spec_from_requirements(["mlflow @ file:///nowhere/my%20tree"])


def test_what_is_no_requirement_makes_no_cell() -> None:
    with pytest.raises(RequirementError):
        spec_from_requirements(["no such thing"])


def test_every_declared_cell_has_a_name_and_a_note_of_its_own() -> None:
    assert len({each.name for each in DECLARED_ENVIRONMENTS}) == len(DECLARED_ENVIRONMENTS)
    assert all(each.note for each in DECLARED_ENVIRONMENTS)


@pytest.mark.parametrize("declared", DECLARED_ENVIRONMENTS, ids=lambda each: each.name)
def test_every_declared_cell_is_made_of_requirements(declared: EnvironmentSpec) -> None:
    assert all(Requirement(line) for line in declared.all_requirements(PINS))
    assert set(declared.frameworks) <= set(FRAMEWORK_PACKAGES)
    assert set(declared.instrumentors) <= set(declared.lock_file.instrumentors)


def test_a_cell_that_nobody_declared_is_answered_with_those_that_are() -> None:
    with pytest.raises(LookupError, match=r"no cell is called 'lock'; there are: locked, mlflow"):
        find_declared("lock")


@pytest.mark.parametrize("name", ["openinference", "openllmetry", "openlit"])
def test_an_instrumentors_environment_has_the_frameworks_of_the_lock(
    name: str, house: Path
) -> None:
    locked = lines.pinned_versions((house / "requirements.lock").read_text("utf-8").splitlines())
    environment = house / "integrations" / "environments" / f"{name}.lock"
    pins = lines.pinned_versions(environment.read_text("utf-8").splitlines())
    frameworks = {each for each in PINS if each in pins}
    assert frameworks >= PINS.keys() - {"mlflow"}
    assert {each: pins[each] for each in frameworks} == {each: locked[each] for each in frameworks}


@pytest.mark.parametrize("name", ["openinference", "openllmetry", "openlit"])
def test_an_instrumentors_lock_holds_what_is_asked_for(name: str, house: Path) -> None:
    stem = house / "integrations" / "environments" / name
    pins = lines.pinned_versions(stem.with_suffix(".lock").read_text("utf-8").splitlines())
    wanted = map(lines.parse_requirement, stem.with_suffix(".in").read_text("utf-8").split())
    assert not [
        each for each in wanted if not each.specifier.contains(pins[lines.package_name(each)])
    ]

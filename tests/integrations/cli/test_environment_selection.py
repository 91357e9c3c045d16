"""Environments, builds and cases are selected by name; unknown names are refused."""

from pathlib import Path

import pytest

from integrations.cli.environment_selection import (
    SelectionError,
    require_in_lock_file,
    select_cases,
    select_environments,
    split_requirements,
)
from integrations.environments.declared_environments import DECLARED_ENVIRONMENTS
from integrations.environments.requirements import RequirementError
from tests.integrations.cli.rebuilt_package import rebuild_wheel


@pytest.mark.parametrize(
    ("text", "each"),
    [
        ("mlflow==3.18.0rc1", ["mlflow==3.18.0rc1"]),
        ("mlflow @ file:///a/mlflow", ["mlflow@file:///a/mlflow"]),
        ("mlflow >= 3.2, < 4 crewai", ["mlflow>=3.2,<4", "crewai"]),
        ("mlflow @ git+https://example.org/m@v1 openai<3", None),
        ("mlflow==3.2.0\ncrewai == 1.15.28\n", ["mlflow==3.2.0", "crewai==1.15.28"]),
        ("mlflow==3.2 ; python_version > '3'", ["mlflow==3.2 ; python_version > '3'"]),
    ],
)
def test_a_text_may_have_several_requirements(text: str, each: list[str] | None) -> None:
    assert split_requirements(text) == (each or ["mlflow@git+https://example.org/m@v1", "openai<3"])


def test_a_path_may_contain_spaces(tmp_path: Path) -> None:
    folder = tmp_path / "my own build"
    folder.mkdir()
    assert split_requirements(str(folder)) == [str(folder)]
    assert split_requirements(f"mlflow @ file://{folder}") == [f"mlflow @ {folder.as_uri()}"]
    assert split_requirements(f"mlflow @ {folder.as_uri()}") == [f"mlflow@{folder.as_uri()}"]


def test_a_wheel_concerns_the_framework_of_its_package(tmp_path: Path) -> None:
    wheel = rebuild_wheel("autogen-agentchat", "0.7.99", "SystemMessage", "SystemMessage", tmp_path)
    (spec,) = select_environments((), [str(wheel)], ())
    assert spec.frameworks == ("autogen",)
    assert spec.requirements == (str(wheel),)


def test_a_package_that_is_not_in_the_environment_is_refused() -> None:
    with pytest.raises(
        RequirementError, match=r"numpie is not in the environment.* name mlflow, crew"
    ):
        require_in_lock_file(["numpie==1"])


def test_an_invalid_requirement_is_refused_with_the_syntax() -> None:
    with pytest.raises(RequirementError, match="NAME==VERSION"):
        require_in_lock_file(["/no/such/folder"])


def test_the_default_is_every_declared_environment() -> None:
    assert select_environments((), (), ()) == list(DECLARED_ENVIRONMENTS)


def test_an_unknown_environment_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        SelectionError, match=r"no environment is called 'lucked'; there are: locked; mlflow"
    ):
        select_environments(["lucked"], (), ())


def test_requirements_and_declared_environments_exclude_each_other() -> None:
    with pytest.raises(SelectionError, match="exclude each other"):
        select_environments(["locked"], ["mlflow==3.2.0"], ())


def test_an_environment_runs_under_the_named_instrumentors() -> None:
    (spec,) = select_environments(["locked"], (), ["ours"])
    assert spec.instrumentors == ("ours",)
    with pytest.raises(
        SelectionError, match="no instrumentor is called 'theirs'; there are: plain"
    ):
        select_environments(["locked"], (), ["theirs"])


def test_environments_without_the_named_instrumentors_are_left_out() -> None:
    specs = select_environments((), (), ["OpenLIT", "ours"])
    assert {each.instrumentors for each in specs} == {("OpenLIT",), ("ours",)}
    locked = [each.name for each in specs if each.lock_file.environment_name]
    assert locked == ["mlflow-3-18", "openlit"]


def test_a_case_may_be_named_with_or_without_its_framework() -> None:
    (case,) = select_cases(["autogen/swarm"])
    assert (case.framework, case.name) == ("autogen", "swarm")
    assert {each.framework for each in select_cases(["autogen"])} == {"autogen"}
    with pytest.raises(
        SelectionError, match="no case is called 'swam'; there are: crewai/sequential"
    ):
        select_cases(["swam"])

"""What a person names: cells, builds of his own, cases; and what is said where there is none."""

from pathlib import Path

import pytest

from integrations.cli.selection import (
    SelectionError,
    require_pinned,
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
def test_several_requirements_stand_in_one_text(text: str, each: list[str] | None) -> None:
    assert split_requirements(text) == (each or ["mlflow@git+https://example.org/m@v1", "openai<3"])


def test_a_path_may_have_blanks_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "my own build"
    folder.mkdir()
    assert split_requirements(str(folder)) == [str(folder)]
    assert split_requirements(f"mlflow @ file://{folder}") == [f"mlflow @ {folder.as_uri()}"]
    assert split_requirements(f"mlflow @ {folder.as_uri()}") == [f"mlflow@{folder.as_uri()}"]


def test_a_wheel_is_the_cell_of_what_it_holds(tmp_path: Path) -> None:
    wheel = rebuild_wheel("autogen-agentchat", "0.7.99", "SystemMessage", "SystemMessage", tmp_path)
    (cell,) = select_environments((), [str(wheel)], ())
    assert cell.frameworks == ("autogen",)
    assert cell.requirements == (str(wheel),)


def test_a_package_that_no_cell_consists_of_is_refused() -> None:
    with pytest.raises(
        RequirementError, match=r"numpie is none of the packages .* name mlflow, crew"
    ):
        require_pinned(["numpie==1"])


def test_what_is_no_requirement_is_refused_with_how_to_write_one() -> None:
    with pytest.raises(RequirementError, match="NAME==VERSION"):
        require_pinned(["/no/such/folder"])


def test_without_a_name_all_the_declared_cells_are_played() -> None:
    assert select_environments((), (), ()) == list(DECLARED_ENVIRONMENTS)


def test_a_cell_that_is_not_declared_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        SelectionError, match=r"no cell is called 'lucked'; there are: locked; mlflow"
    ):
        select_environments(["lucked"], (), ())


def test_ones_own_cell_and_a_declared_one_are_not_asked_for_at_once() -> None:
    with pytest.raises(SelectionError, match="name one"):
        select_environments(["locked"], ["mlflow==3.2.0"], ())


def test_a_cell_is_played_under_the_instrumentors_that_are_named() -> None:
    (cell,) = select_environments(["locked"], (), ["ours"])
    assert cell.instrumentors == ("ours",)
    with pytest.raises(
        SelectionError, match="no instrumentor is called 'theirs'; there are: plain"
    ):
        select_environments(["locked"], (), ["theirs"])


def test_cells_that_have_none_of_the_instrumentors_are_left_out() -> None:
    under = select_environments((), (), ["OpenLIT", "ours"])
    assert {each.instrumentors for each in under} == {("OpenLIT",), ("ours",)}
    assert [each.name for each in under if each.lock_file.environment_name] == ["openlit"]


def test_a_case_is_named_alone_or_by_its_framework() -> None:
    (one,) = select_cases(["autogen/swarm"])
    assert (one.framework, one.name) == ("autogen", "swarm")
    assert {each.framework for each in select_cases(["autogen"])} == {"autogen"}
    with pytest.raises(
        SelectionError, match="no case is called 'swam'; there are: crewai/sequential"
    ):
        select_cases(["swam"])

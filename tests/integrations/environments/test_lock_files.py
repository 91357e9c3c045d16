"""The lock file of an environment is found by its packages and instrumentors."""

import pytest

from integrations.cli.environment_selection import select_environments
from integrations.environments.environment_spec import spec_from_requirements
from integrations.environments.lock_files import MLFLOW_3_18_LOCK, PROJECT_LOCK, select_lock_file
from integrations.environments.requirements import RequirementError

OPENINFERENCE = "openinference-instrumentation-crewai"


@pytest.mark.parametrize(
    ("packages", "instrumentors", "environment_name"),
    [
        (["mlflow"], (), ""),
        (["crewai"], ("ours",), ""),
        (["autogen-core"], ("its own OpenTelemetry",), ""),
        (["crewai"], ("OpenInference",), "openinference"),
        (["crewai", OPENINFERENCE], (), "openinference"),
        (["opentelemetry-instrumentation-crewai"], (), "openllmetry"),
        (["openlit"], (), "openlit"),
        (["wrapt"], ("OpenLIT",), "openlit"),
    ],
)
def test_a_package_belongs_to_the_lock_file_that_pins_it(
    packages: list[str], instrumentors: tuple[str, ...], environment_name: str
) -> None:
    assert select_lock_file(packages, instrumentors).environment_name == environment_name


@pytest.mark.parametrize(
    ("packages", "instrumentors", "message"),
    [
        (
            ["openlit", "traceloop-sdk"],
            (),
            "traceloop-sdk is in the environment of OpenLLMetry, but",
        ),
        (["openlit", "mlflow"], (), "mlflow is in the environment of plain autolog, .*; OpenInf"),
        (["openlit"], ("ours",), "name packages of one environment"),
        (["wrapt"], (), "OpenInference; OpenLLMetry; OpenLIT: choose one with --instrumentor"),
        (
            ["crewai"],
            ("OpenLIT", "ours"),
            "no environment has all of OpenLIT, ours; the environments",
        ),
    ],
)
def test_packages_of_different_environments_are_refused(
    packages: list[str], instrumentors: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RequirementError, match=message):
        select_lock_file(packages, instrumentors)


def test_a_build_of_an_instrumentor_runs_with_the_versions_of_its_lock() -> None:
    (spec,) = select_environments((), [f"{OPENINFERENCE}==9"], ())
    assert (spec.instrumentors, spec.frameworks) == (("OpenInference",), ("crewai",))
    requirements = spec.all_requirements(spec.lock_file.pins())
    assert {"crewai==1.15.30", "mlflow==3.17.2", f"{OPENINFERENCE}==9"} <= set(requirements)
    assert f"{OPENINFERENCE}==1.1.21" not in requirements


def test_frameworks_that_do_not_run_are_not_required() -> None:
    spec = spec_from_requirements(
        ["crewai==1.9.3"], select_lock_file(["crewai"], ["OpenInference"])
    )
    requirements = spec.all_requirements(spec.lock_file.pins())
    assert not [each for each in requirements if each.startswith(("autogen", "openai=="))]


def test_an_instrumentor_of_the_openai_client_concerns_all_frameworks() -> None:
    client = ["opentelemetry-instrumentation-openai==9"]
    assert select_environments((), client, ())[0].frameworks == ("crewai", "autogen", "openai")


def test_a_package_that_the_lock_file_does_not_pin_is_refused() -> None:
    with pytest.raises(
        RequirementError, match=r"name .*openlit, or another package that openlit.lock"
    ):
        select_environments((), ["numpie==1"], ["OpenLIT"])


def test_the_lock_with_mlflow_3_18_differs_from_that_of_the_project_only_in_mlflow() -> None:
    project, newer = PROJECT_LOCK.pins(), MLFLOW_3_18_LOCK.pins()
    names = {*project, *newer}
    assert {name: newer.get(name) for name in names if newer.get(name) != project.get(name)} == {
        "mlflow": "3.18.0",
        "mlflow-skinny": None,
        "mlflow-tracing": None,
    }


def test_the_default_is_the_lock_file_of_the_project() -> None:
    assert select_lock_file((), ()) == PROJECT_LOCK

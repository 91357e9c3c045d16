"""Which versions a cell starts from: those of whose package, or whose instrumentor, is named."""

import pytest

from integrations.cli.selection import select_environments
from integrations.environments.environment_spec import spec_from_requirements
from integrations.environments.lock_file import PROJECT_LOCK, find_lock_file
from integrations.environments.requirements import RequirementError

OPENINFERENCE = "openinference-instrumentation-crewai"


@pytest.mark.parametrize(
    ("names", "instrumentors", "stands"),
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
def test_a_package_belongs_to_whose_lock_pins_it(
    names: list[str], instrumentors: tuple[str, ...], stands: str
) -> None:
    assert find_lock_file(names, instrumentors).environment_name == stands


@pytest.mark.parametrize(
    ("names", "instrumentors", "says"),
    [
        (["openlit", "traceloop-sdk"], (), "traceloop-sdk is a package of OpenLLMetry, and what"),
        (["openlit", "mlflow"], (), "mlflow is a package of plain autolog, .*; OpenInference, and"),
        (["openlit"], ("ours",), "name what is of one"),
        (["wrapt"], (), "OpenInference; OpenLLMetry; OpenLIT: say which with --instrumentor"),
        (["crewai"], ("OpenLIT", "ours"), "no one environment has OpenLIT, ours: there are, by"),
    ],
)
def test_what_no_environment_has_together_is_refused(
    names: list[str], instrumentors: tuple[str, ...], says: str
) -> None:
    with pytest.raises(RequirementError, match=says):
        find_lock_file(names, instrumentors)


def test_a_build_of_an_instrumentor_is_played_under_it_among_what_its_lock_pins() -> None:
    (cell,) = select_environments((), [f"{OPENINFERENCE}==9"], ())
    assert (cell.instrumentors, cell.frameworks) == (("OpenInference",), ("crewai",))
    wanted = cell.all_requirements(cell.lock_file.pins())
    assert {"crewai==1.15.30", "mlflow==3.17.2", f"{OPENINFERENCE}==9"} <= set(wanted)
    assert f"{OPENINFERENCE}==1.1.21" not in wanted


def test_a_framework_that_is_not_played_holds_nothing_back() -> None:
    cell = spec_from_requirements(["crewai==1.9.3"], find_lock_file(["crewai"], ["OpenInference"]))
    wanted = cell.all_requirements(cell.lock_file.pins())
    assert not [each for each in wanted if each.startswith(("autogen", "openai=="))]


def test_the_client_that_all_use_is_instrumented_in_all() -> None:
    client = ["opentelemetry-instrumentation-openai==9"]
    assert select_environments((), client, ())[0].frameworks == ("crewai", "autogen", "openai")


def test_a_package_that_an_instrumentors_environment_lacks_is_refused() -> None:
    with pytest.raises(
        RequirementError, match=r"name .*openlit, or another that openlit.lock pins"
    ):
        select_environments((), ["numpie==1"], ["OpenLIT"])


def test_without_a_name_it_is_our_own_lock() -> None:
    assert find_lock_file((), ()) == PROJECT_LOCK

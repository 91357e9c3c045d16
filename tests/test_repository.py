"""Rules of the repository: lock files, make targets, no network, and independent packages."""

import re
import socket
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from pytest_socket import SocketConnectBlockedError

from instrumentation.tracing_setup.patches import all_patches
from tests.retired_words import find_retired_words


def list_dependencies(project: dict[str, Any]) -> list[str]:
    """The dependencies of the package and of all its extras."""
    extras = project["project"]["optional-dependencies"].values()
    return [*project["project"]["dependencies"], *chain.from_iterable(extras)]


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.lock",
        "tests/old_env/requirements.lock",
        "tests/openai_3_env/requirements.lock",
        "integrations/environments/locks/openinference.lock",
        "integrations/environments/locks/openlit.lock",
        "integrations/environments/locks/openllmetry.lock",
        "tests/phoenix_env/requirements.lock",
    ],
)
def test_a_lock_has_hashes_and_no_address(lock: str, project_root: Path) -> None:
    text = (project_root / lock).read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    pinned = re.findall(r"^\S+==", text, re.MULTILINE)
    assert len(pinned) > 20
    entries = re.split(r"^(?=\S+==)", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_lock_has_all_dependencies_of_the_project(project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text("utf-8"))
    dependencies = [*list_dependencies(project), *project["dependency-groups"]["dev"]]
    names = {re.split(r"[\[<>=; ]", dependency)[0] for dependency in dependencies}
    names.remove("agent-flight-recorder")  # an extra consists of others
    locked = re.findall(
        r"^([a-z0-9-]+)==", (project_root / "requirements.lock").read_text(), re.MULTILINE
    )
    assert names <= set(locked)


@pytest.mark.parametrize("package", ["crewai", "autogen-agentchat"])
def test_the_project_allows_only_versions_that_its_patches_cover(
    package: str, project_root: Path
) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text("utf-8"))
    requirements = map(Requirement, list_dependencies(project))
    (allowed,) = (each.specifier for each in requirements if each.name == package)
    covered = [patch.versions[package] for patch in all_patches() if package in patch.versions]
    assert covered
    for specifier in (SpecifierSet(versions) for versions in covered):
        for bound in allowed:
            in_both = specifier.contains(bound.version) == allowed.contains(bound.version)
            assert in_both, f"{package}: {allowed} in pyproject.toml, {specifier} in a patch"


def test_make_help_lists_every_target(project_root: Path) -> None:
    help_text = subprocess.run(
        ["make", "help"], cwd=project_root, capture_output=True, text=True, check=True
    ).stdout
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (project_root / "Makefile").read_text("utf-8"), re.M)
    assert set(re.findall(r"^  make ([a-z0-9-]+)", help_text, re.MULTILINE)) == set(phony.split())


def test_connections_to_other_machines_are_blocked() -> None:
    """`--allow-hosts` in pyproject.toml applies to every test."""
    refused = pytest.raises(SocketConnectBlockedError)
    with refused, pytest.warns(UserWarning, match=r"192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_a_lesson_reads_no_environment_and_sets_up_no_tracing(project_root: Path) -> None:
    for lesson in (project_root / "workflows").glob("*_*.py"):
        text = lesson.read_text("utf-8")
        assert not re.search(r"os\.environ|\binput\(|argparse|typer|set_tracking_uri|autolog", text)


@pytest.mark.long
def test_instrumentation_imports_no_workflow_and_no_scenario(project_root: Path) -> None:
    """A user's own program needs `instrumentation` and `patches`, and nothing above them."""
    program = (
        "import sys\n"
        "import instrumentation.tracing, instrumentation.http_attempts\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('scenarios', 'workflows')])"
    )
    output = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project_root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert output.strip() == "[]"


def test_retired_words_are_found_in_definitions_aliases_and_negated_words(tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text(
        "import os as told\n"
        "def is_unasked(said_by):\n"
        "    match said_by:\n"
        "        case [amiss]:\n"
        "            return amiss\n"
        "toldness = 1\n"
    )
    words = dict.fromkeys(("told", "asked", "said", "amiss"), "another word")
    found = {
        re.search(r":(\d+: '\w+')", complaint)[1]  # type: ignore[index]
        for complaint in find_retired_words([tmp_path / "sample.py"], words)
    }
    assert found == {"1: 'told'", "2: 'is_unasked'", "2: 'said_by'", "4: 'amiss'"}

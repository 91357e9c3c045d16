"""Environments are built once, completely or not at all, and again if a local file changes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from signal import SIGINT, SIGKILL
from time import monotonic, sleep, time

import pytest

from integrations.environments.build import (
    Environment,
    build_environment,
    find_environment,
    folder_name,
)
from integrations.environments.uv import InstallError
from tests.integrations.environments.sample_packages import (
    make_index,
    write_source_folder,
    write_wheel,
)

Build = Callable[..., Environment]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_index(tmp_path, monkeypatch)


@pytest.fixture
def build(index: Path, tmp_path: Path) -> Build:
    return partial(
        build_environment, environments_folder=tmp_path / "environments", preferred_lock=None
    )


def lid_value(environment: Environment) -> str:
    """The value in the module `lid` of an environment."""
    program = [str(environment.python), "-c", "import lid; print(lid.value)"]
    return subprocess.check_output(program, text=True).strip()


def test_an_environment_has_the_requirements_and_their_dependencies(build: Build) -> None:
    assert dict(build("crate", ["crate"]).packages) == {"crate": "1.0", "lid": "1.1"}


def test_the_python_of_an_environment_imports_its_packages(build: Build) -> None:
    assert lid_value(build("lid", ["lid==1.0"])) == "1.0"


def test_an_existing_environment_is_not_built_again(build: Build) -> None:
    first = build("lid", ["lid"])
    (first.folder / "mark").touch()
    assert (build("lid", ["lid"]).folder / "mark").exists()


def test_downloads_are_counted_and_cached(build: Build) -> None:
    assert [build(name, ["crate"]).downloaded_packages for name in ("cold", "warm")] == [2, 0]


def test_unshared_bytes_are_fewer_than_all_bytes(build: Build) -> None:
    environment = build("crate", ["crate"])
    assert 0 < environment.unshared_bytes < environment.disk_bytes


def test_a_changed_source_folder_is_built_again(build: Build, tmp_path: Path) -> None:
    source = write_source_folder(tmp_path / "source", "before")
    requirements = ["crate", f"lid @ {source.as_uri()}"]
    first = lid_value(build("lid", requirements))
    (source / "lid.py").write_text("value = 'after'\n")
    assert (first, lid_value(build("lid", requirements))) == ("before", "after")


def test_files_that_a_build_leaves_in_a_source_folder_are_ignored(
    build: Build, tmp_path: Path
) -> None:
    source = write_source_folder(tmp_path / "source", "before")
    first = build("lid", [str(source)])
    assert (source / "build" / "left").exists()
    assert build("lid", [str(source)]) == first


def test_the_file_of_a_given_folder_wins_over_the_same_file_of_other_packages(
    build: Build, index: Path, tmp_path: Path
) -> None:
    """As of mlflow, whose files mlflow-skinny and mlflow-tracing contain too."""
    others = [f"{letter}_lid" for letter in "abcdefghmnopqrst"]  # uv may install any of them last
    for other in others:
        write_wheel(index, other, "9.9", module="lid")
    lid = write_source_folder(tmp_path / "lid", "mine")
    assert lid_value(build("lid", [f"lid @ {lid.as_uri()}", *others])) == "mine"


def test_a_killed_build_leaves_no_environment(tmp_path: Path, index: Path) -> None:
    source = write_source_folder(tmp_path / "source", "complete")
    (source / "wait").touch()
    folder_of_environments = tmp_path / "environments"
    arguments = f"'lid', [{str(source)!r}], Path({str(folder_of_environments)!r})"
    program = f"from integrations.environments.build import *; build_environment({arguments})"
    killed = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    deadline = monotonic() + 30
    while not (source / "began").exists() and monotonic() < deadline:
        sleep(0.05)
    os.killpg(killed.pid, SIGKILL)
    killed.wait()
    assert (source / "began").exists()
    assert not list(folder_of_environments.glob("*/environment.json"))


def test_a_failed_build_leaves_nothing(tmp_path: Path, build: Build) -> None:
    source = write_source_folder(tmp_path / "source", "complete")
    (source / "lid.py").unlink()
    with pytest.raises(InstallError):
        build("lid", [str(source)])
    assert not list((tmp_path / "environments").glob("*.part"))


def test_a_build_stops_with_its_installer_and_leaves_nothing(tmp_path: Path, index: Path) -> None:
    source = write_source_folder(tmp_path / "source", "complete")
    (source / "wait").touch()
    folder_of_environments = tmp_path / "environments"
    arguments = f"'lid', [{str(source)!r}], Path({str(folder_of_environments)!r})"
    program = (
        "from integrations.environments.build import *; import signal\n"
        "signal.signal(signal.SIGINT, lambda *_: None)\n"
        f"try: build_environment({arguments})\n"
        "except KeyboardInterrupt: print('stopped')"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = monotonic() + 30
    while not (source / "began").exists() and monotonic() < deadline:
        sleep(0.05)
    os.killpg(running.pid, SIGINT)
    assert running.communicate(timeout=20)[0] == "stopped\n"
    assert not list(folder_of_environments.glob("lid-*/"))


def test_an_error_names_the_folder_that_cannot_be_written(tmp_path: Path, index: Path) -> None:
    (tmp_path / "environments").touch()
    with pytest.raises(
        InstallError, match=r"^environments: File exists; environments are kept in "
    ):
        build_environment("lid", ["lid"], tmp_path / "environments", preferred_lock=None)


def test_a_build_removes_what_a_killed_build_left(build: Build, tmp_path: Path) -> None:
    folder = build("lid", ["lid"]).folder
    shutil.rmtree(folder)
    left = folder.with_name(f"{folder.name}.1.part")
    left.mkdir()
    assert (lid_value(build("lid", ["lid"])), left.exists()) == ("1.1", False)


@pytest.mark.parametrize(("days", "kept"), [(6, True), (8, False)])
def test_an_outdated_environment_is_kept_for_a_week(build: Build, days: int, kept: bool) -> None:
    before = build("lid", ["lid<1.1"]).folder
    os.utime(before, (0, time() - days * 24 * 3600))
    build("lid", ["lid"])
    assert before.exists() == kept


@pytest.mark.parametrize(
    ("left", "kept"),
    [("lid-0123456789ab.1.part", False), ("lid-of-other-0123456789ab", True)],
)
def test_only_leftovers_of_the_same_environment_are_removed(
    build: Build, tmp_path: Path, left: str, kept: bool
) -> None:
    other = tmp_path / "environments" / left
    other.mkdir(parents=True)
    os.utime(other, (0, time() - 8 * 24 * 3600))
    build("lid", ["lid"])
    assert other.exists() == kept


def test_two_parallel_builds_share_one_environment(build: Build) -> None:
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(build, "crate", ["crate"]) for _ in range(2)]
    assert both[0].result() == both[1].result()


def test_an_error_names_the_make_target_that_builds_an_environment() -> None:
    with pytest.raises(InstallError, match="has not been built: make unknown-env"):
        find_environment("unknown")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mlflow 3.1.4, autogen 0.6.1", "mlflow-3.1.4-autogen-0.6.1"), ("../…", "environment")],
)
def test_a_name_is_converted_to_a_folder_name(name: str, expected: str) -> None:
    assert folder_name(name) == expected

"""An environment is built once, whole or not at all, and anew when a file of its cell changes."""

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
    folder_name,
    prebuilt_environment,
)
from integrations.environments.uv import InstallError
from tests.integrations.environments.sample_packages import (
    make_index,
    write_source_folder,
    write_wheel,
)

Build = Callable[..., Environment]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_index(tmp_path, monkeypatch)


@pytest.fixture
def build(shelf: Path, tmp_path: Path) -> Build:
    return partial(build_environment, environments_folder=tmp_path / "cells", preferred_lock=None)


def told(environment: Environment) -> str:
    """What the module `lid` of an environment says."""
    program = [str(environment.python), "-c", "import lid; print(lid.told)"]
    return subprocess.check_output(program, text=True).strip()


def test_an_environment_has_what_was_asked_and_what_that_requires(build: Build) -> None:
    assert dict(build("crate", ["crate"]).packages) == {"crate": "1.0", "lid": "1.1"}


def test_its_own_python_imports_it(build: Build) -> None:
    assert told(build("lid", ["lid==1.0"])) == "1.0"


def test_one_that_stands_is_not_built_again(build: Build) -> None:
    first = build("lid", ["lid"])
    (first.folder / "mark").touch()
    assert (build("lid", ["lid"]).folder / "mark").exists()


def test_what_was_fetched_is_counted_and_the_next_time_uv_has_it(build: Build) -> None:
    assert [build(name, ["crate"]).fetched for name in ("cold", "warm")] == [2, 0]


def test_its_own_bytes_are_fewer_than_those_that_it_holds(build: Build) -> None:
    environment = build("crate", ["crate"])
    assert 0 < environment.own_bytes < environment.disk_bytes


def test_a_folder_whose_files_change_is_built_again(build: Build, tmp_path: Path) -> None:
    source = write_source_folder(tmp_path / "source", "before")
    asked = ["crate", f"lid @ {source.as_uri()}"]
    first = told(build("lid", asked))
    (source / "lid.py").write_text("told = 'after'\n")
    assert (first, told(build("lid", asked))) == ("before", "after")


def test_what_a_build_leaves_in_its_folder_changes_nothing(build: Build, tmp_path: Path) -> None:
    source = write_source_folder(tmp_path / "source", "before")
    first = build("lid", [str(source)])
    assert (source / "build" / "left").exists()
    assert build("lid", [str(source)]) == first


def test_of_a_file_that_two_packages_hold_that_of_the_folder_stands(
    build: Build, shelf: Path, tmp_path: Path
) -> None:
    """mlflow is such a one: mlflow-skinny and mlflow-tracing hold most of its files, too."""
    others = [f"{letter}_lid" for letter in "abcdefghmnopqrst"]  # which comes last is a race
    for other in others:
        write_wheel(shelf, other, "9.9", module="lid")
    lid = write_source_folder(tmp_path / "lid", "mine")
    assert told(build("lid", [f"lid @ {lid.as_uri()}", *others])) == "mine"


def test_a_build_that_is_cut_leaves_nothing_that_looks_ready(tmp_path: Path, shelf: Path) -> None:
    source = write_source_folder(tmp_path / "source", "whole")
    (source / "wait").touch()
    home = tmp_path / "cells"
    arguments = f"'lid', [{str(source)!r}], Path({str(home)!r})"
    program = f"from integrations.environments.build import *; built({arguments})"
    cut = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    patient = monotonic() + 30
    while not (source / "began").exists() and monotonic() < patient:
        sleep(0.05)
    os.killpg(cut.pid, SIGKILL)
    cut.wait()
    assert (source / "began").exists()
    assert not list(home.glob("*/environment.json"))


def test_a_build_that_fails_leaves_nothing(tmp_path: Path, build: Build) -> None:
    source = write_source_folder(tmp_path / "source", "whole")
    (source / "lid.py").unlink()
    with pytest.raises(InstallError):
        build("lid", [str(source)])
    assert not list((tmp_path / "cells").glob("*.part"))


def test_one_whose_installer_is_stopped_is_stopped_and_leaves_nothing(
    tmp_path: Path, shelf: Path
) -> None:
    source = write_source_folder(tmp_path / "source", "whole")
    (source / "wait").touch()
    home = tmp_path / "cells"
    arguments = f"'lid', [{str(source)!r}], Path({str(home)!r})"
    program = (
        "from integrations.environments.build import *; import signal\n"
        "signal.signal(signal.SIGINT, lambda *_: None)\n"
        f"try: built({arguments})\n"
        "except KeyboardInterrupt: print('stopped')"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    patient = monotonic() + 30
    while not (source / "began").exists() and monotonic() < patient:
        sleep(0.05)
    os.killpg(running.pid, SIGINT)
    assert running.communicate(timeout=20)[0] == "stopped\n"
    assert not list(home.glob("lid-*/"))


def test_a_place_that_cannot_be_written_is_named_and_what_it_must_be(
    tmp_path: Path, shelf: Path
) -> None:
    (tmp_path / "cells").touch()
    with pytest.raises(InstallError, match=r"^cells: File exists; environments are kept in "):
        build_environment("lid", ["lid"], tmp_path / "cells", preferred_lock=None)


def test_what_a_cut_build_left_is_swept_away_by_the_next(build: Build, tmp_path: Path) -> None:
    folder = build("lid", ["lid"]).folder
    shutil.rmtree(folder)
    left = folder.with_name(f"{folder.name}.1.part")
    left.mkdir()
    assert (told(build("lid", ["lid"])), left.exists()) == ("1.1", False)


@pytest.mark.parametrize(("days", "kept"), [(6, True), (8, False)])
def test_what_a_cell_came_to_before_is_kept_for_a_week(build: Build, days: int, kept: bool) -> None:
    before = build("lid", ["lid<1.1"]).folder
    os.utime(before, (0, time() - days * 24 * 3600))
    build("lid", ["lid"])
    assert before.exists() == kept


@pytest.mark.parametrize(
    ("left", "kept"),
    [("lid-0123456789ab.1.part", False), ("lid-of-other-0123456789ab", True)],
)
def test_of_what_is_left_after_a_week_that_of_the_same_cell_goes(
    build: Build, tmp_path: Path, left: str, kept: bool
) -> None:
    other = tmp_path / "cells" / left
    other.mkdir(parents=True)
    os.utime(other, (0, time() - 8 * 24 * 3600))
    build("lid", ["lid"])
    assert other.exists() == kept


def test_two_at_once_build_one(build: Build) -> None:
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(build, "crate", ["crate"]) for _ in range(2)]
    assert both[0].result() == both[1].result()


def test_an_environment_of_the_makefile_says_which_door_builds_it() -> None:
    with pytest.raises(InstallError, match="has not been built: make unheard-of-env"):
        prebuilt_environment("unheard-of")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mlflow 3.1.4, autogen 0.6.1", "mlflow-3.1.4-autogen-0.6.1"), ("../…", "cell")],
)
def test_a_name_becomes_a_folders(name: str, expected: str) -> None:
    assert folder_name(name) == expected

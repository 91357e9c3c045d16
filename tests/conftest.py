"""Shared fixtures: one MLflow store per worker, because a new one takes seconds, and quiet logs."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis  # else its plugin imports it as the session ends: see _collect_garbage
import pytest

from scenarios.cli.startup import ENVIRONMENT, collect_garbage_rarely, quiet_frameworks
from tests.support.certificates import use_one_root_certificate

if TYPE_CHECKING:
    from workflows.support.sandbox.backends import Backend

SANDBOXED_SCENARIOS = ("code_escapes_its_folder", "code_runs_for_ever")


def pytest_configure() -> None:
    """Set environment variables before test modules import CrewAI and MLflow, and enable Ctrl-C.

    A shell disables Ctrl-C for background processes, and thereby for all processes they start.
    """
    hypothesis.settings.register_profile("suite", deadline=None)  # no test depends on its speed
    hypothesis.settings.load_profile("suite")
    collect_garbage_rarely()
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """With `-n auto`, start three workers for two cores, because long tests wait for programs."""
    cores = min(4, os.cpu_count() or 2)
    return cores if config.option.numprocesses == "logical" else 3 * cores // 2


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that need a store, and run long tests first, so that none is left at the end."""
    for item in items:
        if isinstance(item, pytest.Function) and "store" in item.fixturenames:
            item.add_marker("store")
            if _names_a_sandboxed_scenario(item) and isinstance(reason := find_sandbox(), str):
                item.add_marker(pytest.mark.skip(reason))
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def _names_a_sandboxed_scenario(item: pytest.Function) -> bool:
    """Whether the test runs a scenario whose agent executes code."""
    callspec = getattr(item, "callspec", None)
    return callspec is not None and callspec.params.get("name") in SANDBOXED_SCENARIOS


@cache
def find_sandbox() -> "Backend | str":
    """The backend of sandboxes on this machine, or in one line why there is none."""
    from workflows.support.sandbox import SandboxUnavailableError, find_backend  # imports AutoGen

    try:
        return find_backend()
    except SandboxUnavailableError as error:
        return f"no sandbox: {' '.join(str(error).split())}"


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tracking URI of the SQLite store that one worker's tests share.

    It exists from the start, so that no test depends on another one that has stored a trace.
    """
    from patches.mlflow.store.new_sqlite_store import (
        create_sqlite_store,  # some tests run without MLflow
    )

    uri = f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"
    create_sqlite_store(uri)
    return uri


@pytest.fixture(scope="session", autouse=True)
def _default_store(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let no test use the store of the folder it runs in, or that of the developer.

    A test under another MLflow would leave a database there whose schema this one does not know.
    """
    folder = tmp_path_factory.mktemp("default_store")
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder / 'mlflow.db'}"


@pytest.fixture(scope="session", autouse=True)
def _one_root_certificate(tmp_path_factory: pytest.TempPathFactory) -> None:
    use_one_root_certificate(tmp_path_factory.mktemp("certificate") / "root.pem")


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> Iterator[None]:
    with quiet_frameworks():
        yield


@pytest.fixture(scope="module", autouse=True)
def _no_chosen_experiment(_default_store: None) -> Iterator[None]:
    """Forget the store and the experiment that a module's tests chose: others do not know them."""
    before = os.environ["MLFLOW_TRACKING_URI"]
    yield
    if "mlflow.tracking.fluent" in sys.modules:
        from mlflow.tracking import fluent, set_tracking_uri

        set_tracking_uri(None)
        vars(fluent)["_active_experiment_id"] = None
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
    os.environ["MLFLOW_TRACKING_URI"] = before


@pytest.fixture(scope="module", autouse=True)
def _collect_garbage() -> Iterator[None]:
    """Finalize objects of a module's tests before the next module is imported.

    Clients that were never closed print a traceback when they are collected. On Python 3.11 that
    breaks an import that is being parsed: "AST constructor recursion depth mismatch". What is left
    are imported modules; they are not looked at again.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def forked_programs() -> Iterator[None]:
    """Fork the Python programs that a module's tests start: imports take seconds."""
    from tests.support.forks.forking_python import forking_python

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(sys, "executable", forking_python())
        yield


@pytest.fixture
def project_root() -> Path:
    """The top folder of the repository."""
    return Path(__file__).parent.parent

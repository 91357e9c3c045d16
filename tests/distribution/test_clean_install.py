"""The wheel and its dependencies are enough: an environment with nothing else, as a user has it.

It downloads packages, so it runs only where the variable CI is set.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.replay.replay_server import replay_tape
from tests.distribution.conftest import HELLO, InstalledProject, endpoint, install_wheel
from tests.docs.documents import tracing_block

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif("CI" not in os.environ, reason="downloads packages; set CI=true to run it"),
]


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> InstalledProject:
    """An environment with the wheel, without its extras, and an empty project."""
    folder = tmp_path_factory.mktemp("clean")
    (folder / "project").mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    install_wheel(folder / "env", str(wheel))
    return InstalledProject(folder / "project", folder / "env")


def test_without_extras_programs_are_traced_and_traces_checked(clean: InstalledProject) -> None:
    program = (
        "import mlflow; from flight_recorder import enable_tracing, record_run\n"
        "with enable_tracing(), record_run() as run:\n"
        "    mlflow.start_span_no_context('step').end()\n"
        "print(run.traces()[0].info.state)"
    )
    traced = clean.run("python", "-c", program)
    assert (traced.returncode, traced.stdout) == (0, "OK\n"), traced.stderr
    checked = clean.run("flight-recorder", "check", "review_goes_well")
    assert checked.returncode == 0, checked.stderr


def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    clean: InstalledProject,
) -> None:
    ended = clean.run("flight-recorder", "run", "review_goes_well")
    assert ended.returncode == 2
    assert 'pip install "agent-flight-recorder[replay]"' in ended.stderr, ended.stderr


def test_with_the_extra_openai_the_block_of_the_readme_runs(
    clean: InstalledProject, wheel: Path
) -> None:
    install_wheel(clean.environment, f"agent-flight-recorder[openai,replay] @ {wheel.as_uri()}")
    with replay_tape(HELLO) as replay:
        ended = clean.run("python", "-c", tracing_block().code, **endpoint(replay))
    assert (ended.returncode, ended.stdout) == (0, "OK\n"), ended.stderr

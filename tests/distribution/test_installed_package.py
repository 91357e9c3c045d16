"""The installed package works beside a project that has packages of the same names."""

import tarfile
import zipfile
from pathlib import Path
from shutil import copy

import pytest

from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.distribution.conftest import (
    ANSWER,
    HELLO,
    InstalledProject,
    build_distribution,
    endpoint,
)
from tests.docs.documents import ROOT, tracing_block

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]  # a wheel is built and installed


def top_level_names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name.partition("/")[0] for name in archive.namelist()}


def test_the_wheel_has_one_package_and_no_generic_name(wheel: Path) -> None:
    metadata, package = sorted(top_level_names(wheel))
    assert (metadata.endswith(".dist-info"), package) == (True, "flight_recorder")


def test_the_wheel_declares_its_types_and_its_license(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
    assert {"py.typed", "LICENSE", "gitleaks.toml", "scenario.md"} <= names


def test_the_tracing_block_of_the_readme_runs(installed: InstalledProject) -> None:
    block = tracing_block()
    assert block.tape
    with replay_tape(Tape.load(block.tape)) as replay:
        ended = installed.run(
            "python", "-c", block.code, OPENAI_BASE_URL=replay.base_url, OPENAI_API_KEY="unused"
        )
    assert (ended.returncode, ended.stdout) == (0, "OK\n"), ended.stderr
    assert not replay.unplayed_lines


def test_the_users_packages_of_these_names_are_still_importable(
    installed: InstalledProject,
) -> None:
    program = (
        "import flight_recorder, sys; flight_recorder.enable_tracing().shutdown()\n"
        "import patches, workflows; print(patches.OWNER, workflows.OWNER)\n"
        "print([name for name in sys.modules if name.startswith(('scenarios', 'patches.'))])"
    )
    ended = installed.run("python", "-c", program)
    assert ended.stdout.splitlines() == ["the user of patches the user of workflows", "[]"]


def test_the_command_prints_its_version(installed: InstalledProject) -> None:
    ended = installed.run("flight-recorder", "--version")
    assert ended.stdout.startswith("agent-flight-recorder "), ended.stderr


def test_the_command_lists_scenarios(installed: InstalledProject) -> None:
    listed = installed.run("flight-recorder", "list").stdout
    assert "summarizer_never_sees_the_draft" in listed


def test_a_scenario_with_a_service_runs_with_its_golden_traces(
    installed: InstalledProject,
) -> None:
    ended = installed.run("flight-recorder", "run", "index_service_is_down")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "mlflow server --backend-store-uri" in ended.stdout
    assert "python -m scenarios" not in ended.stdout


def test_a_program_is_traced(installed: InstalledProject) -> None:
    with replay_tape(HELLO) as replay:
        ended = installed.run("flight-recorder", "trace", "app.py", **endpoint(replay))
    assert ended.stdout == f"{ANSWER}\nthe user of patches\n", ended.stderr
    assert "flight-recorder: trace tr-" in ended.stderr


def test_a_program_is_recorded_and_replayed(installed: InstalledProject) -> None:
    record = ("record", "--tape", "recorded.jsonl", "--", "python", "app.py")
    with replay_tape(HELLO) as replay:
        recorded = installed.run("flight-recorder", *record, **endpoint(replay))
    assert recorded.stdout.startswith(ANSWER), recorded.stderr
    replayed = installed.run(
        "flight-recorder", "replay", "recorded.jsonl", "--", "python", "app.py"
    )
    assert (replayed.returncode, replayed.stdout) == (0, recorded.stdout), replayed.stderr


def test_the_pytest_plugin_is_loaded_by_its_entry_point(installed: InstalledProject) -> None:
    copy(ROOT / "docs/tapes/hello.jsonl", installed.folder)
    (installed.folder / "test_app.py").write_text(
        "import pytest, app\n"
        "from flight_recorder.testing import ends_with_status, expect\n"
        "@pytest.mark.tape('hello.jsonl')\n"
        "def test_it(trace):\n"
        "    app.call_model()\n"
        "    expect(trace, ends_with_status('OK'))\n"
    )
    ended = installed.run("python", "-m", "pytest", "-W", "ignore", "-p", "no:cacheprovider")
    assert (ended.returncode, "1 passed" in ended.stdout) == (0, True), ended.stdout


def test_a_wheel_built_from_the_sdist_is_the_same(wheel: Path, tmp_path: Path) -> None:
    sdist = build_distribution("sdist", ROOT, tmp_path)
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    rebuilt = build_distribution("wheel", tmp_path / sdist.name.removesuffix(".tar.gz"), tmp_path)
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(rebuilt) as second:
        assert {each.filename: each.CRC for each in first.infolist()} == {
            each.filename: each.CRC for each in second.infolist()
        }

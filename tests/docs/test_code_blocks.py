"""Every Python block of the documents is a program that runs and prints what the page says."""

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from shutil import copytree

import pytest

from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.conftest import find_sandbox
from tests.docs.documents import ROOT, CodeBlock, code_blocks, list_documents
from tests.support.forks.forking_python import forking_python

pytestmark = pytest.mark.long

PROGRAMS = [
    block
    for document in list_documents()
    for block in code_blocks(document)
    if block.language == "python" and not block.tests_folder
]
TEST_FILES = [
    block for document in list_documents() for block in code_blocks(document) if block.tests_folder
]


@pytest.mark.parametrize("block", PROGRAMS, ids=str)
def test_a_python_block_runs_and_prints_what_the_page_shows(
    block: CodeBlock, store: str, tmp_path: Path
) -> None:
    if "workflows.support.sandbox" in block.code and isinstance(reason := find_sandbox(), str):
        pytest.skip(reason)
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": store,
        "PYTHONPATH": str(ROOT),
        "OPENAI_API_KEY": "unused",
        "CREWAI_STORAGE_DIR": str(tmp_path / "crewai"),
    }
    with ExitStack() as stack:
        replay = None
        if block.tape:
            replay = stack.enter_context(replay_tape(Tape.load(block.tape)))
            environment["OPENAI_BASE_URL"] = replay.base_url
        ended = subprocess.run(
            [forking_python(), "-c", block.code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
        )
        refusals = [str(refusal) for refusal in replay.refusals] if replay else []
        unplayed = [line.location for line in replay.unplayed_lines] if replay else []
    assert ended.returncode == 0, ended.stderr
    assert (refusals, unplayed) == ([], [])
    if block.output is not None:
        assert ended.stdout == block.output


@pytest.mark.parametrize("block", TEST_FILES, ids=str)
def test_a_block_of_tests_passes(block: CodeBlock, store: str, tmp_path: Path) -> None:
    assert block.tests_folder
    copytree(block.tests_folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "test_block.py").write_text(block.code)
    variables = {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "-p flight_recorder.pytest_plugin"}
    ended = subprocess.run(
        [forking_python(), "-m", "pytest", "-q", f"--trace-store={store}", "-W", "ignore"],
        cwd=tmp_path,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ended.returncode, "1 passed" in ended.stdout) == (0, True), ended.stdout

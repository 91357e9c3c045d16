"""Every console block of the documents is a session that prints what the page shows."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, code_blocks, list_documents
from tests.support.forks.forking_python import forking_python

pytestmark = pytest.mark.long

SESSIONS = {
    document: [block for block in code_blocks(document) if block.language == "console"]
    for document in list_documents()
}
COMMAND = re.compile(r"^\$ (.*(?:\n> .*)*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
LINKED_FOLDERS = ("docs", "scenarios")
"""Folders whose files the pages name; what a page writes stays in a folder of its own."""


@pytest.mark.parametrize(
    "document",
    [document for document, blocks in SESSIONS.items() if blocks],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_console_blocks_of_a_page_print_what_it_shows(
    document: Path, store: str, tmp_path: Path
) -> None:
    for name in LINKED_FOLDERS:
        (tmp_path / name).symlink_to(ROOT / name)
    folders = (Path(forking_python()).parent, Path(sys.executable).parent)
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": store,
        "OPENAI_API_KEY": "unused",
        "PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
    }
    exit_code = 0
    for block in SESSIONS[document]:
        if "-- node " in block.code and not shutil.which("node"):
            pytest.skip(f"{block} needs node: apt-get install nodejs")
        for command, output in COMMAND.findall(block.code):
            ended = subprocess.run(
                ["bash", "-c", f"(exit {exit_code})\n{command}".replace("\n> ", "\n")],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=100,
                check=False,
            )
            exit_code = ended.returncode
            # A page may show the beginning of a long output.
            assert ended.stdout[: len(output)] == output, f"{block}: $ {command}"
            assert output or exit_code == 0, f"{block}: $ {command}\n{ended.stdout}"

"""`make picture` takes the pictures of the README, and changes nothing else."""

import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.docs.screenshot import DIAGNOSIS_PICTURE, DIAGNOSIS_WINDOW, FOLDER, PICTURE, TRACE_PANEL
from tests.support.browser import find_chromium

if find_chromium() is None:
    pytest.skip(
        "needs Chromium, none is downloaded: apt-get install chromium", allow_module_level=True
    )

pytestmark = [pytest.mark.browser, pytest.mark.long]

MIN_COLOURS = 200
"""An empty or broken page has fewer."""
MAX_COLOURS = 10_000_000


@pytest.mark.timeout(300)
def test_make_picture_takes_both_pictures_of_the_readme(tmp_path: Path, project_root: Path) -> None:
    before = {file.name: file.read_bytes() for file in FOLDER.iterdir()}
    # -o: do not rebuild an outdated environment while other tests use it
    command = [
        "make",
        "--no-print-directory",
        "-o",
        ".venv/ready",
        "picture",
        f"PICTURES={tmp_path}",
    ]
    made = subprocess.run(command, cwd=project_root, capture_output=True, text=True, timeout=280)
    assert made.returncode == 0, made.stdout + made.stderr
    sizes = {
        PICTURE: (TRACE_PANEL["width"], TRACE_PANEL["height"]),
        DIAGNOSIS_PICTURE: (DIAGNOSIS_WINDOW["width"], DIAGNOSIS_WINDOW["height"]),
    }
    for name, size in sizes.items():
        with Image.open(tmp_path / name) as picture:
            assert picture.size == size
            colours = picture.convert("RGB").getcolors(MAX_COLOURS)
            assert colours
            assert len(colours) >= MIN_COLOURS
    assert {file.name: file.read_bytes() for file in FOLDER.iterdir()} == before

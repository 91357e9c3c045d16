"""A file is replaced completely or not at all."""

import os
from pathlib import Path

import pytest

from scenarios.reports.atomic_write import FileNotWrittenError, write_atomically
from tests.support.file_system import folder_contents, limited_file_size


def test_a_full_disk_leaves_the_old_file_and_no_temporary_file(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x", "old")
    with limited_file_size(1000), pytest.raises(FileNotWrittenError, match="x: cannot be written"):
        write_atomically(tmp_path / "x", "new" * 1000)
    assert folder_contents(tmp_path) == {"x": b"old"}


def test_a_folder_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(FileNotWrittenError, match="x: cannot be written"):
        write_atomically(tmp_path / "x", "text")
    assert folder_contents(tmp_path) == {}


def test_a_half_of_a_surrogate_pair_does_not_prevent_writing(tmp_path: Path) -> None:
    """An argument of the command line that is not UTF-8 has such halves."""
    write_atomically(tmp_path / "report", "name: \udcff")
    assert (tmp_path / "report").read_text() == "name: ?"


def test_a_pipe_or_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileNotWrittenError, match=r"pipe: cannot be written \(it is a device or a"):
        write_atomically(tmp_path / "pipe", "text")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("name", [".", "x" * 300, "file/x"], ids=["folder", "long", "in a file"])
def test_a_name_that_no_file_can_have_is_reported(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileNotWrittenError, match="cannot be written"):
        write_atomically(tmp_path / name, "text")
    assert folder_contents(tmp_path) == {"file": b""}

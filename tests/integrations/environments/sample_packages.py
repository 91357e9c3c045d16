"""Small packages for tests: wheels and source folders with one module, and an index of wheels.

A source folder contains its own build backend, because tests download nothing.
"""

import zipfile
from pathlib import Path

import pytest

BACKEND = """
import time, zipfile
from pathlib import Path

def build_wheel(wheels, config_settings=None, metadata_directory=None):
    while Path("wait").exists():
        Path("began").touch()
        time.sleep(0.05)
    name = "lid-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheels, name), "w") as archive:
        archive.write("lid.py")
        for part in Path("info").iterdir():
            archive.write(part, f"lid-1.0.dist-info/{part.name}")
    Path("build").mkdir(exist_ok=True)
    Path("build", "left").write_text("by the backend")
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "lid"
version = "1.0"
"""


def write_wheel(folder: Path, name: str, version: str, *requires: str, module: str = "") -> Path:
    """Write a wheel. Its module has the version as `value`."""
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{module or name}.py", f"value = {version!r}\n")
        for part, text in _info(name, version, *requires).items():
            archive.writestr(f"{info}/{part}", text)
    return path


def write_source_folder(path: Path, value: str) -> Path:
    """Write the source of `lid`. Its build waits as long as a file `wait` exists."""
    path.mkdir()
    (path / "pyproject.toml").write_text(PROJECT)
    (path / "backend.py").write_text(BACKEND)
    (path / "lid.py").write_text(f"value = {value!r}\n")
    (path / "info").mkdir()
    for part, text in _info("lid", "1.0").items():
        (path / "info" / part).write_text(text)
    return path


def _info(name: str, version: str, *requires: str) -> dict[str, str]:
    """Return the metadata files of a wheel."""
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    return {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }


def make_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder the only index of uv: `crate`, and two versions of `lid` that it allows."""
    index = tmp_path / "index"
    index.mkdir()
    write_wheel(index, "crate", "1.0", "lid<2")
    write_wheel(index, "lid", "1.0")
    write_wheel(index, "lid", "1.1")
    settings = tmp_path / "uv.toml"
    cache = tmp_path / "cache"
    settings.write_text(f"no-index = true\nfind-links = ['{index}']\ncache-dir = '{cache}'\n")
    monkeypatch.setenv("UV_CONFIG_FILE", str(settings))
    return index

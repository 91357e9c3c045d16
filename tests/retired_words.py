"""Fail when a retired word appears in an identifier or a file name.

The words are in `pyproject.toml`, under `[tool.retired-words]`, each with the words to use instead.
A word matches a complete part of an identifier: `told` matches `_told`, `told_error` and `untold`.
Run it with `python -m tests.retired_words`; `make check` does.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


def find_retired_words(files: Iterable[Path], retired: Mapping[str, str]) -> Iterator[str]:
    """Yield one sentence per definition or file name that contains a retired word."""
    for path in files:
        place = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        yield from _complaints(str(place), path.stem, retired)
        for line, name in _defined_names(ast.parse(path.read_text("utf-8"))):
            yield from _complaints(f"{place}:{line}", name, retired)


def _complaints(place: str, name: str, retired: Mapping[str, str]) -> Iterator[str]:
    for part in PART.findall(name):
        word = part.lower() if part.lower() in retired else part.lower().removeprefix("un")
        if instead := retired.get(word):
            yield f"{place}: {name!r} contains the retired word {word!r}; use {instead}"


def _defined_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each function, class, parameter, variable, attribute and alias."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.alias(asname=str(name)):
                yield node.lineno, name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name
            case ast.ExceptHandler(name=str(name)):
                yield node.lineno, name


def _python_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).exists()]


def main() -> int:
    """Print each complaint; return 1 if there is one."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        retired = tomllib.load(file)["tool"]["retired-words"]
    complaints = list(find_retired_words(_python_files(), retired))
    print("\n".join(complaints) or "no retired words")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

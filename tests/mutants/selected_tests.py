"""Find the test files that are most likely to notice a change of a module."""

import re
from collections.abc import Mapping
from pathlib import Path

MAX_FILES = 12


def select_tests(module: Path, test_texts: Mapping[Path, str]) -> list[Path]:
    """Return at most `MAX_FILES` test files, the most likely first.

    These are the file that mirrors the module, then files that import the module, then those in the
    folder that mirrors its folder, or the nearest one around it that has any.

    Args:
        module: A file, relative to the root of the project.
        test_texts: The text of each test file, by its path relative to the same root.
    """
    mirrored = Path("tests", module.parent, f"test_{module.stem}.py")
    name = ".".join(module.with_suffix("").parts).removesuffix(".__init__")
    parent, _, stem = name.rpartition(".")
    imports = re.compile(
        rf"\bfrom {re.escape(name)} import|\bimport {re.escape(name)}\b"
        rf"|\bfrom {re.escape(parent)} import [^\n]*\b{re.escape(stem)}\b"
    )
    importing = [path for path, text in sorted(test_texts.items()) if imports.search(text)]
    candidates = [*[mirrored] * (mirrored in test_texts), *importing]
    folder = mirrored.parent
    while len(folder.parts) > 1 and not any(folder in path.parents for path in test_texts):
        folder = folder.parent
    if len(folder.parts) > 1:
        beside = (path for path in sorted(test_texts) if folder in path.parents)
        candidates += sorted(beside, key=lambda path: not _shares_word(path.stem, module.stem))
    return list(dict.fromkeys(candidates))[:MAX_FILES]


def _shares_word(first: str, second: str) -> bool:
    return bool({*first.split("_")} & {*second.split("_")})

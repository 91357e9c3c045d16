"""Run tests against mutants, in a copy of the project."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.mutants.mutations import Mutation, find_mutations
from tests.mutants.selected_tests import select_tests

Verdict = Literal["killed", "survived", "not judged"]
FAILED_TEST = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
LINKED_FOLDERS = (".venv", ".envs")


@dataclass(frozen=True)
class MutantResult:
    """The verdict on one mutation.

    Attributes:
        mutation: The mutation.
        description: Its place and the change.
        verdict: "killed" if a test fails or hangs with it and passes without it, "not judged" if no
            test covers the module or a test fails without it, too.
        reason: The test that failed, or why there is no verdict.
    """

    mutation: Mutation
    description: str
    verdict: Verdict
    reason: str


def copy_project(root: Path, folder: Path) -> None:
    """Copy the files that git tracks, and link the virtual environments."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (root / name).is_file():
            shutil.copy2(root / name, target)
    for name in LINKED_FOLDERS:
        if (root / name).exists():
            (folder / name).symlink_to((root / name).resolve())


def sample_mutations(root: Path, packages: Sequence[str], count: int, seed: int) -> list[Mutation]:
    """Return random mutations, the same for the same seed, as many in each package as possible."""
    chosen: list[Mutation] = []
    for position, package in enumerate(packages):
        files = sorted(path for path in (root / package).rglob("*.py"))
        places = [
            mutation
            for path in files
            for mutation in find_mutations(path.relative_to(root), path.read_bytes())
        ]
        share = count // len(packages) + (position < count % len(packages))
        chosen += random.Random(f"{seed} {package}").sample(places, min(share, len(places)))
    return chosen


def judge_mutants(
    folder: Path, mutations: Iterable[Mutation], timeout_s: float
) -> Iterator[MutantResult]:
    """Run the selected tests against each mutant in the copied project; yield the verdicts."""
    texts = {path.relative_to(folder): path.read_text("utf-8") for path in _test_files(folder)}
    for mutation in mutations:
        file = folder / mutation.path
        source = file.read_bytes()
        description = mutation.describe(source)
        if not (tests := [str(path) for path in select_tests(mutation.path, texts)]):
            yield MutantResult(mutation, description, "not judged", "no test covers it")
            continue
        try:
            file.write_bytes(mutation.apply(source))
            failed = _first_failure(folder, tests, timeout_s)
        finally:
            file.write_bytes(source)
        verdict: Verdict = "killed" if failed else "survived"
        if failed and _first_failure(folder, [failed], timeout_s):
            verdict, failed = "not judged", f"{failed} fails without the change, too"
        yield MutantResult(mutation, description, verdict, failed or ", ".join(tests))


def _test_files(folder: Path) -> Iterator[Path]:
    return (folder / "tests").rglob("test_*.py")


def _first_failure(folder: Path, tests: Sequence[str], timeout_s: float) -> str:
    """Return the first test that fails or hangs, or ""; a hang is that of the first file."""
    command = (sys.executable, "-m", "pytest", "-q", "-x", "-rfE", "-p", "no:cacheprovider", *tests)
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that servers that a hanging test has started end with it
    )
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return tests[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    found = FAILED_TEST.search(output)
    if found:
        return found[1]
    return "" if process.returncode == 0 else tests[0]

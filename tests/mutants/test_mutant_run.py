"""A mutant is killed by a test that fails with it alone; others survive or cannot be judged."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.mutants.mutant_run import (
    MutantResult,
    copy_project,
    judge_mutants,
    sample_mutations,
)
from tests.mutants.mutations import find_mutations
from tests.mutants.selected_tests import MAX_FILES, select_tests

MODULE = Path("package/sums.py")
CODE = "def add(a, b):\n    return a + b\n\n\ndef is_large(a):\n    return a > 100\n"
CASE = "a case with spaces, whose result is too long for a line of pytest's summary"
TEST = (
    "import pytest\nfrom package.sums import add\n\n\n"
    f"@pytest.mark.parametrize('three', [3], ids=[{CASE!r}])\n"
    "def test_adding(three):\n    assert add(1, 2) == three\n"
)
TEST_FILE = "tests/package/test_sums.py"


def write_project(root: Path, tests: Mapping[str, str]) -> None:
    for name, text in {str(MODULE): CODE, **tests}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def judge(root: Path, line: int, kind: str, timeout_s: float = 60) -> MutantResult:
    """Judge the mutant with one kind of change on a line of the module."""
    mutations = find_mutations(MODULE, CODE.encode())
    (mutation,) = [each for each in mutations if (each.line, each.kind) == (line, kind)]
    (result,) = judge_mutants(root, [mutation], timeout_s)
    return result


@pytest.mark.long
def test_a_change_that_a_test_notices_is_killed(tmp_path: Path) -> None:
    write_project(tmp_path, {TEST_FILE: TEST})
    result = judge(tmp_path, 2, "arithmetic")
    assert (result.verdict, result.reason) == ("killed", f"{TEST_FILE}::test_adding[{CASE}]")


@pytest.mark.long
def test_a_change_that_no_test_notices_survives(tmp_path: Path) -> None:
    write_project(tmp_path, {TEST_FILE: TEST})
    result = judge(tmp_path, 6, "comparison")
    assert (result.verdict, result.reason) == ("survived", TEST_FILE)
    assert (tmp_path / MODULE).read_text() == CODE


@pytest.mark.long
def test_a_test_that_fails_anyway_judges_nothing(tmp_path: Path) -> None:
    write_project(tmp_path, {TEST_FILE: "def test_broken():\n    raise ValueError\n"})
    result = judge(tmp_path, 2, "arithmetic")
    assert (result.verdict, "without the change, too" in result.reason) == ("not judged", True)


def test_a_module_without_tests_is_not_judged(tmp_path: Path) -> None:
    write_project(tmp_path, {"tests/other/test_sums.py": TEST.replace("package.sums", "other")})
    result = judge(tmp_path, 2, "arithmetic")
    assert (result.verdict, result.reason) == ("not judged", "no test covers it")


@pytest.mark.long
def test_a_test_that_hangs_kills_the_mutant(tmp_path: Path) -> None:
    hanging = TEST.replace("    assert add(1, 2) ==", "    while sleep(1) or add(1, 2) !=").replace(
        "three\n", "three: pass\n"
    )
    write_project(tmp_path, {TEST_FILE: f"from time import sleep\n{hanging}"})
    assert judge(tmp_path, 2, "arithmetic", timeout_s=20).verdict == "killed"


def test_tests_that_mirror_or_import_a_module_come_first() -> None:
    module = Path("patches/crewai/spans_from_events.py")
    texts = {
        Path("tests/patches/crewai/test_spans_from_events.py"): "",
        Path("tests/scenarios/test_other.py"): "from patches.crewai.spans_from_events import emit",
        Path("tests/patches/test_registry.py"): "from patches.crewai import x, spans_from_events",
        Path("tests/workflows/test_crew.py"): "",
        **{Path(f"tests/patches/crewai/test_{number}.py"): "" for number in range(MAX_FILES)},
    }
    first, second, third, *others = select_tests(module, texts)
    assert first == Path("tests/patches/crewai/test_spans_from_events.py")
    assert {second, third} == {
        Path("tests/scenarios/test_other.py"),
        Path("tests/patches/test_registry.py"),
    }
    assert len(others) == MAX_FILES - 3


@pytest.mark.long
def test_a_sample_is_the_same_for_the_same_seed_and_covers_each_package() -> None:
    packages = ("patches/openai", "workflows", "scenarios/tape")
    first, again, other = (sample_mutations(Path(), packages, 8, seed) for seed in (1, 1, 2))
    assert (first == again, first == other) == (True, False)
    counts = [sum(each.path.is_relative_to(package) for each in first) for package in packages]
    assert counts == [3, 3, 2]


def test_a_copy_has_the_tracked_files_only(tmp_path: Path) -> None:
    root, copy = tmp_path / "root", tmp_path / "copy"
    write_project(root, {TEST_FILE: TEST})
    (root / ".venv").mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "package"], cwd=root, check=True)
    copy_project(root, copy)
    assert sorted(path.name for path in copy.iterdir()) == [".venv", "package"]
    assert (copy / MODULE).read_text() == CODE


@pytest.mark.parametrize("seed", [1, 2])
def test_each_sampled_place_is_in_its_file(seed: int) -> None:
    for mutation in sample_mutations(Path(), ("workflows",), 20, seed):
        assert mutation.path.read_bytes()[mutation.start : mutation.end].strip()

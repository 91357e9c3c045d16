"""A mutation is one small change that leaves the rest of a file as it is."""

from pathlib import Path

import pytest

from tests.mutants.mutations import find_mutations

PATH = Path("package/module.py")


def mutants(source: str) -> list[str]:
    found = find_mutations(PATH, source.encode())
    return [mutation.apply(source.encode()).decode() for mutation in found]


@pytest.mark.parametrize(
    ("source", "mutant"),
    [
        ("a == b\n", "(a != b)\n"),
        ("x = a < b\n", "x = (a >= b)\n"),
        ("x = a and b\n", "x = (a or b)\n"),
        ("x = a - b\n", "x = (a + b)\n"),
        ("x = not a\n", "x = (a)\n"),
        ("x = True\n", "x = (False)\n"),
        ("x = 7\n", "x = (8)\n"),
        ("def f():\n    return a\n", "def f():\n    return None\n"),
        ("f()\n", "pass\n"),
        ("a.b = c\n", "pass\n"),
        ("raise a\n", "pass\n"),
        ("x = {'é': a, 'key': b}\n", "x = {'é': a, ('keyx'): b}\n"),
    ],
)
def test_one_expression_or_statement_is_replaced(source: str, mutant: str) -> None:
    assert mutant in mutants(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""Text."""\n',
        "x: 'a == b' = c\n",
        "def f(a: g(1)) -> h(2): ...\n",
        "x = f'{a} {1:>2}'\n",
        "@dataclass(frozen=True)\nclass C: ...\n",
        "if TYPE_CHECKING:\n    f()\n",
        "return_none = None\n",
    ],
)
def test_code_without_behaviour_is_left_alone(source: str) -> None:
    assert mutants(source) == []


def test_each_mutant_of_this_project_is_valid_code() -> None:
    path = Path("patches/patch.py")
    source = path.read_bytes()
    for mutation in find_mutations(path, source):
        compile(mutation.apply(source), str(path), "exec")


def test_a_mutation_is_described_by_its_place_and_change() -> None:
    source = b"x = 1\nif a == 'b':\n    f()\n"
    (mutation,) = [each for each in find_mutations(PATH, source) if each.kind == "comparison"]
    assert mutation.describe(source) == ("package/module.py:2 comparison: a == 'b' -> (a != 'b')")

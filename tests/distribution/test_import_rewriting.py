"""The rewriter changes imports and module paths, and nothing else."""

import ast

import pytest

from distribution.import_rewriting import ImportRewriter, ImportRewritingError
from distribution.package_writer import COMMAND, PUBLIC_PACKAGE, ROOT, SUBPACKAGES, list_files

REWRITER = ImportRewriter(SUBPACKAGES, PUBLIC_PACKAGE, COMMAND)


def rewrite(source: str) -> str:
    return REWRITER.rewrite(source, "example.py")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from patches.patch import Patch", "from flight_recorder.patches.patch import Patch"),
        ("from patches import patch", "from flight_recorder.patches import patch"),
        ("import patches", "from flight_recorder import patches"),
        ("import patches.patch as p", "import flight_recorder.patches.patch as p"),
        ("if x:\n    from workflows import model", None),
        ('w = "workflows.search_agent:SearchAgent"', None),
        ('m = f"workflows.services.{name}"', None),
        ('module.startswith("workflows.")', None),
        ('[python, "-m", "scenarios", name]', '[python, "-m", "flight_recorder.scenarios", name]'),
        ('"run: python -m scenarios accept"', '"run: flight-recorder accept"'),
        (
            '"python -m scenarios.cli"',
            '"python -m flight_recorder.scenarios.cli"',
        ),
    ],
)
def test_a_module_of_the_project_gets_the_prefix(source: str, expected: str | None) -> None:
    prefixed = source.replace("workflows", "flight_recorder.workflows")
    assert rewrite(source) == (expected or prefixed)


@pytest.mark.parametrize(
    "source",
    [
        'query = "workflows"  # from patches import x',
        "patches = [1]; workflows.x = patches",
        "from other.patches import patch",
        "from . import patches",
        "def run(patches): yield from patches",
        '"the patches.Then another sentence"',
        'path = "scenarios/catalog"',
    ],
)
def test_everything_else_stays_as_it_is(source: str) -> None:
    assert rewrite(source) == source


def test_an_import_that_binds_the_first_part_of_a_name_is_rejected() -> None:
    with pytest.raises(ImportRewritingError, match=r"example\.py:2: .*from patches import patch"):
        rewrite("import os\nimport patches.patch\n")


@pytest.mark.long
def test_each_rewritten_module_has_the_same_code_but_for_module_names() -> None:
    """All imports of the repository are rewritten, whatever form they have."""
    modules = [path for name in SUBPACKAGES for path in list_files(name) if path.suffix == ".py"]
    assert len(modules) > 300
    for path in modules:
        for node in ast.walk(ast.parse(rewrite((ROOT / path).read_text("utf-8")))):
            imported = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not {name.partition(".")[0] for name in imported} & set(SUBPACKAGES), path

"""The diff of a fixed and a broken workflow, read from their source files."""

from pathlib import Path

import pytest

from scenarios.player.workflow_source import (
    Workflow,
    diff_workflows,
    differing_members,
    explain_mistakes,
    read_workflow,
)

VARIANTS = '''
"""Broken agents."""

from workflows.sample import Agent


class Impatient(Agent):
    """The mistake: it gives up at once."""

    max_rounds = 0
    """No round at all."""

    def greet(self) -> str:
        return "hello"


class ImpatientAndRude(Impatient):
    """The mistake: it does not greet."""

    def greet(self) -> str:
        return ""
'''
LESSON = '''
class Agent:
    """An agent."""

    max_rounds = 4

    def greet(self) -> str:
        return "hello"

    def leave(self) -> str:
        return "bye"
'''


@pytest.fixture
def variants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "workflows"
    package.mkdir()
    (package / "sample.py").write_text(LESSON)
    monkeypatch.setattr("workflows.__path__", [str(package)])
    file = tmp_path / "variants.py"
    file.write_text(VARIANTS)
    return file


def read(variants: Path, name: str = "") -> Workflow:
    return read_workflow("workflows.sample:Agent", variants, name)


def test_only_members_that_differ_are_in_the_diff(variants: Path) -> None:
    assert diff_workflows(read(variants), read(variants, "Impatient")).splitlines() == [
        "--- fixed: sample.py",
        "+++ broken: variants.py",
        "-class Agent:",
        "-    max_rounds = 4",
        "+class Impatient(Agent):",
        "+    max_rounds = 0",
        '+    """No round at all."""',
    ]


def test_a_subclass_of_a_subclass_inherits_its_overrides(variants: Path) -> None:
    broken = read(variants, "ImpatientAndRude")
    assert differing_members(read(variants), broken) == ("greet", "max_rounds")


def test_two_subclasses_are_compared_with_each_other(variants: Path) -> None:
    fixed, broken = read(variants, "Impatient"), read(variants, "ImpatientAndRude")
    assert differing_members(fixed, broken) == ("greet",)


def test_the_mistakes_are_the_docstrings_of_the_subclasses(variants: Path) -> None:
    assert explain_mistakes(read(variants, "ImpatientAndRude")) == (
        "it does not greet.",
        "it gives up at once.",
    )


def test_a_missing_class_is_an_error(variants: Path) -> None:
    with pytest.raises(LookupError, match=r"variants\.py defines no class 'Impatent'"):
        read(variants, "Impatent")

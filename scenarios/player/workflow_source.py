"""Read workflow classes from their source, unimported: names, members, mistakes, and diffs.

Nothing is imported, so that no framework is needed.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

MISTAKE = "The mistake: "
"""How the docstring of a broken subclass begins."""


@dataclass(frozen=True)
class ClassSource:
    """A class as it is written: its file, and its statement in it."""

    path: Path
    node: ast.ClassDef

    @cached_property
    def members(self) -> Mapping[str, str]:
        """The source of each method and class attribute, with comments inside it, by name."""
        lines = self.path.read_text("utf-8").splitlines()
        return {name: "\n".join(lines[first - 1 : last]) for name, first, last in _spans(self.node)}

    @property
    def docstring(self) -> str:
        return " ".join((ast.get_docstring(self.node) or "").split())

    @property
    def header(self) -> str:
        bases = ", ".join(map(ast.unparse, self.node.bases))
        return f"class {self.node.name}({bases}):" if bases else f"class {self.node.name}:"


@dataclass(frozen=True)
class Workflow:
    """The class of a variant: `subclasses` in `variants.py` (most derived first) and `lesson`."""

    subclasses: tuple[ClassSource, ...]
    lesson: tuple[ClassSource, ...]

    @property
    def source(self) -> ClassSource:
        return (*self.subclasses, *self.lesson)[0]

    @property
    def overridden(self) -> tuple[str, ...]:
        """The names of the members that the subclasses define."""
        return tuple(dict.fromkeys(name for one in self.subclasses for name in one.members))

    def member(self, name: str) -> str:
        """The source of a member, from the first class that defines it; "" if there is none."""
        classes = (*self.subclasses, *self.lesson)
        return next((one.members[name] for one in classes if name in one.members), "")


def read_workflow(reference: str, variants: Path, class_name: str) -> Workflow:
    """Read the class of a variant.

    Args:
        reference: The lesson, as `package.module:Class`.
        variants: The file with its subclasses; it is not read without a class name.
        class_name: A class in that file; "" for the lesson itself.

    Raises:
        LookupError: A class is not in its file.
    """
    lesson = workflow_path(reference), reference.partition(":")[2]
    path, name = (variants, class_name) if class_name else lesson
    classes = tuple(_bases(path, name))
    own = tuple(one for one in classes if one.path == variants)
    return Workflow(own, tuple(one for one in classes if one.path != variants))


def differing_members(fixed: Workflow, broken: Workflow) -> tuple[str, ...]:
    """The names of the members that are not the same in the two workflows."""
    names = dict.fromkeys((*broken.overridden, *fixed.overridden))
    return tuple(name for name in names if fixed.member(name) != broken.member(name))


def diff_workflows(fixed: Workflow, broken: Workflow) -> str:
    """The differing members of two workflows as a unified diff, without line numbers."""
    names = differing_members(fixed, broken)
    lines = unified_diff(
        _render(fixed, names),
        _render(broken, names),
        f"fixed: {fixed.source.path.name}",
        f"broken: {broken.source.path.name}",
        lineterm="",
        n=10_000,
    )
    return "\n".join(line for line in lines if not line.startswith("@@"))


def explain_mistakes(broken: Workflow) -> tuple[str, ...]:
    """The docstrings that begin with "The mistake:", of the broken workflow's subclasses."""
    docstrings = [one.docstring for one in broken.subclasses]
    return tuple(text.removeprefix(MISTAKE) for text in docstrings if text.startswith(MISTAKE))


def class_names(path: Path) -> tuple[str, ...]:
    """The classes that a file defines. Raises SyntaxError if it cannot be parsed."""
    body = ast.parse(path.read_text("utf-8")).body
    return tuple(node.name for node in body if isinstance(node, ast.ClassDef))


def workflow_path(reference: str) -> Path:
    """The file of the module in an object reference, such as `package.module:Class`."""
    module = reference.partition(":")[0]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no module {module!r}")
    return Path(spec.origin)


def _render(workflow: Workflow, names: tuple[str, ...]) -> list[str]:
    members = filter(None, map(workflow.member, names))
    return [workflow.source.header, *"\n\n".join(members).splitlines()]


def _bases(path: Path, name: str) -> Iterator[ClassSource]:
    """The class and its bases, as far as they are written in this project."""
    body = ast.parse(path.read_text("utf-8")).body
    found = [node for node in body if isinstance(node, ast.ClassDef) and node.name == name]
    if not found:
        raise LookupError(f"{path.name} defines no class {name!r}")
    yield ClassSource(path, found[0])
    imported = {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("workflows.")
        for alias in node.names
    }
    here = {node.name for node in body if isinstance(node, ast.ClassDef)}
    for base in map(ast.unparse, found[0].bases):
        if base in here:
            yield from _bases(path, base)
        elif base in imported:
            module, original = imported[base]
            yield from _bases(workflow_path(module), original)


def _spans(node: ast.ClassDef) -> Iterator[tuple[str, int, int]]:
    """Each member's name, first and last line; an attribute with the docstring below it."""
    for statement, below in zip(node.body, [*node.body[1:], None], strict=True):
        last = statement.end_lineno or statement.lineno
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = [decorator.lineno for decorator in statement.decorator_list]
            yield statement.name, min([statement.lineno, *decorators]), last
            continue
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
        else:
            continue
        if below is not None and _is_string(below):
            last = below.end_lineno or last
        yield name, statement.lineno, last


def _is_string(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

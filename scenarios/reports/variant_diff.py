"""The mend: what changes between a scenario's broken and its fixed variant, as a diff.

It is read from the sources of the page and of the workflow, not written beside them, and neither is
imported for it.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from importlib.util import find_spec
from pathlib import Path

from scenarios.player.scenario_loader import ScenarioNotFoundError


@dataclass(frozen=True)
class SourceFile:
    """A module's text, what is defined at its top, and what is brought from our own modules."""

    text: str
    defined: Mapping[str, tuple[int, int]]
    imported: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> "SourceFile":
        text = path.read_text("utf-8")
        body = ast.parse(text).body
        return cls(text, dict(_definitions(body)), dict(_imports(body)))

    def definition(self, name: str) -> str:
        """The lines that define a name, and the docstring beneath; empty if it is not ours."""
        if name in self.imported:
            return SourceFile.read(workflow_path(self.imported[name])).definition(name)
        first, last = self.defined.get(name, (1, 0))
        return "\n".join(self.text.splitlines()[first - 1 : last])

    def expression_text(self, expression: ast.expr) -> str:
        """An expression as it stands in the text."""
        return ast.get_source_segment(self.text, expression) or ast.unparse(expression)


def diff_variants(page: Path, workflow: str) -> str:
    """The change that turns the broken variant into the fixed one, as a unified diff."""
    scenario = SourceFile.read(page)
    lesson = SourceFile.read(workflow_path(workflow))
    function = workflow.partition(":")[2]
    broken, fixed = variant_settings(scenario, "broken"), variant_settings(scenario, "fixed")
    defaults = _defaults(lesson, function)
    mended = {name: fixed.get(name, defaults[name]) for name in broken} | fixed
    return "\n".join(
        unified_diff(
            _render_call(function, broken, scenario).splitlines(),
            _render_call(function, mended, scenario, lesson).splitlines(),
            "broken",
            "fixed",
            lineterm="",
            n=99,
        )
    )


def explain_mistakes(page: Path) -> tuple[str, ...]:
    """Why it happened: the docstring of each mistake that the broken variant is given."""
    scenario = SourceFile.read(page)
    told = []
    for value in variant_settings(scenario, "broken").values():
        if text := scenario.definition(value):
            docstring = _docstring(ast.parse(text))
            told += [docstring.removeprefix("The mistake: ")] if "mistake" in docstring else []
    return tuple(told)


def variant_settings(page: SourceFile, variant: str) -> dict[str, str]:
    """The settings that a page gives a variant: names, and expressions as they are written."""
    for node in ast.walk(ast.parse(page.text)):
        if isinstance(node, ast.keyword) and node.arg == variant:
            for call in ast.walk(node.value):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "variant_with":
                    return {
                        str(given.arg): page.expression_text(given.value) for given in call.keywords
                    }
    return {}


def workflow_path(reference: str) -> Path:
    """The file of the module that an object reference names."""
    spec = find_spec(reference.partition(":")[0])
    if spec is None or spec.origin is None:
        raise ScenarioNotFoundError(f"{reference}: there is no such module")
    return Path(spec.origin)


def _render_call(function: str, settings: Mapping[str, str], *sources: SourceFile) -> str:
    """The call, and above it what the settings' names stand for."""
    # A default that the page has brought too is found in both sources.
    definitions = dict.fromkeys(
        definition
        for value in settings.values()
        for source in sources
        if (definition := source.definition(value))
    )
    arguments = "".join(f"\n    {name}={value}," for name, value in settings.items())
    call = f"await {function}(\n    task,\n    model,{arguments}\n)"
    return "\n\n".join([*definitions, call])


def _defaults(lesson: SourceFile, function: str) -> dict[str, str]:
    """The defaults of a workflow's keyword-only settings, as they are written."""
    for node in ast.parse(lesson.text).body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name == function:
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            return {
                arg.arg: lesson.expression_text(value) for arg, value in pairs if value is not None
            }
    return {}


def _definitions(body: list[ast.stmt]) -> Iterator[tuple[str, tuple[int, int]]]:
    for node, below in zip(body, [*body[1:], None], strict=True):
        last = below if below is not None and _is_docstring(below) else node
        span = (node.lineno, last.end_lineno or last.lineno)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, (node.lineno, node.end_lineno or node.lineno)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, span
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, span


def _imports(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("workflows."):
            yield from ((alias.name, str(node.module)) for alias in node.names)


def _docstring(module: ast.Module) -> str:
    """The docstring of the one thing defined here: inside a function, beneath a constant."""
    first = module.body[0]
    if isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef):
        return " ".join((ast.get_docstring(first) or "").split())
    texts = [
        node.value.value
        for node in module.body[1:]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    return " ".join(str(texts[0]).split()) if texts else ""


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
